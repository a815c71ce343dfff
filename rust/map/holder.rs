// SPDX-License-Identifier: GPL-2.0

//! The task that getAddress and getAddressTask tell of: the first that mapped the map, as long as
//! it does.

use super::Map;
use crate::os::{
    address_space::KeptAddressSpace,
    task::Pid,
    vma::{AddressSpace, Place},
};
use kernel::page::PAGE_SIZE;

pub(super) struct Holder {
    address_space: AddressSpace,
    process: Option<Pid>,
    /// How many VMAs it has.
    vmas: usize,
    /// The first of them: where, and which page it begins with. `None` after it was unmapped.
    first: Option<(usize, usize)>,
    /// Where mremap has just moved one of them. Whether it was the first shows when its old place
    /// is unmapped, which is the next unmapping in the address space; before it, a larger VMA that
    /// it was part of is split.
    moved: Option<(usize, usize)>,
}

impl Holder {
    /// Its process, in the caller's pid namespace.
    pub(super) fn process(&self) -> i32 {
        self.process.as_ref().map_or(0, Pid::number)
    }

    pub(super) fn address(&self) -> usize {
        self.first.map_or(0, |(address, _)| address)
    }
}

impl Map {
    /// Where its first page is in an address space, or would be if it were mapped with the rest:
    /// if that was the first to map it.
    pub(super) fn base_in(&self, address_space: &KeptAddressSpace) -> Option<usize> {
        let holder = self.holder.lock();
        let holder = holder.as_ref()?;
        let (address, page) = holder
            .first
            .filter(|_| holder.address_space.number() == address_space.number())?;

        address.checked_sub(page.checked_mul(PAGE_SIZE)?)
    }

    /// The current task mapped it.
    pub(super) fn mapped(&self, place: Place) {
        // Made before the lock, which does not sleep.
        let process = Pid::current_process();
        let first = Some((place.start, place.first_page));
        let mut slot = self.holder.lock();

        match &mut *slot {
            None => {
                *slot = Some(Holder {
                    address_space: place.address_space,
                    process,
                    vmas: 1,
                    first,
                    moved: None,
                });
            }
            Some(holder) if holder.address_space == place.address_space => {
                holder.vmas = holder.vmas.saturating_add(1);
                holder.first = holder.first.or(first);
                holder.moved = None;
            }
            Some(_) => {}
        }
    }

    /// A VMA was copied, within the task or to a child.
    pub(super) fn copied(&self, place: Place) {
        if let Some(holder) = &mut *self.holder.lock() {
            if holder.address_space == place.address_space {
                holder.vmas = holder.vmas.saturating_add(1);
            }
        }
    }

    /// A VMA was moved here by mremap.
    pub(super) fn moved(&self, place: Place) {
        if let Some(holder) = &mut *self.holder.lock() {
            if holder.address_space == place.address_space {
                holder.moved = Some((place.start, place.first_page));
            }
        }
    }

    /// A VMA goes.
    pub(super) fn unmapped(&self, place: Place) {
        let mut slot = self.holder.lock();
        let Some(holder) = &mut *slot else {
            return;
        };

        if holder.address_space != place.address_space {
            return;
        }
        let moved = holder.moved.take();
        if holder.first == Some((place.start, place.first_page)) {
            holder.first = moved;
        }
        holder.vmas = holder.vmas.saturating_sub(1);
        if holder.vmas == 0 {
            *slot = None;
        }
    }
}
