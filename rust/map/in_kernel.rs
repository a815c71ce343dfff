// SPDX-License-Identifier: GPL-2.0

//! Maps in the kernel's own address space (IOMemoryDescriptor::map), and single accesses to them
//! (IOMappedRead, IOMappedWrite).
//!
//! No address is given to them: the kernel has all memory mapped, in the mode that it has everywhere.
//! What makes it a map is that each access passes the gate, and has `state` until it is over, as a
//! fault has until its page is in. So a switch that closes the gate drains it before the old memory is
//! given up, and there is nothing to be zapped.

use super::{waiters::Report, Map};
use crate::{
    os::{
        address_space::KeptAddressSpace, local_mapping::LocalMapping, task, task::Pid, wait::Sleep,
    },
    pure::{
        range::PAGE_SIZE,
        wait::{Access, Verdict},
        width::Width,
    },
};
use kernel::prelude::*;

impl Map {
    /// Whether it is one of the kernel's own address space, which no task can map.
    pub(crate) fn is_in_kernel(&self) -> bool {
        self.in_kernel
    }

    /// Reads a value from the byte `offset` on.
    ///
    /// `EPERM` for a map that is not in the kernel; `ERANGE` beyond the end, `EINVAL` across that of a
    /// page; `EFAULT` if a suspension does not let the kernel wait, or its deadline has passed; `ENODEV`
    /// for a map that has ended; `ENODATA` if the memory was taken away, `ENOMEM` if it cannot be had;
    /// `EINTR` if the task is killed.
    pub(crate) fn read(&self, offset: u64, width: Width) -> Result<u64> {
        self.reach(offset, width, false, |mapping, at| mapping.read(at, width))
    }

    /// Writes the low bits of a value. Errors as of [`Map::read`]; `EACCES` for a read-only map.
    pub(crate) fn write(&self, offset: u64, width: Width, value: u64) -> Result {
        if self.options.is_read_only() {
            return Err(EACCES);
        }
        self.reach(offset, width, true, |mapping, at| {
            mapping.write(at, width, value)
        })
    }

    /// Makes an access when nothing holds it up.
    fn reach<T>(
        &self,
        offset: u64,
        width: Width,
        write: bool,
        access: impl Fn(&LocalMapping<'_>, usize) -> Option<T>,
    ) -> Result<T> {
        if !self.in_kernel {
            return Err(EPERM);
        }
        offset
            .checked_add(width.bytes() as u64)
            .filter(|&end| end <= self.length)
            .ok_or(ERANGE)?;
        let position = self.page_offset.checked_add(offset).ok_or(ERANGE)?;
        let page = usize::try_from(position / PAGE_SIZE).map_err(|_| ERANGE)?;
        let within = (position % PAGE_SIZE) as usize;
        if within + width.bytes() > PAGE_SIZE as usize {
            return Err(EINVAL);
        }
        // The kernel reaches for it on behalf of the caller, who can be safe from a suspension.
        let address_space = KeptAddressSpace::current()?.address_space();

        while !task::is_killed() {
            if self.has_ended() {
                return Err(ENODEV);
            }
            let entered = self.enter(address_space);
            let Some(state) = entered.filter(|state| !state.held.holds(page)) else {
                let verdict = self.verdict(address_space, page, by_call);
                match verdict {
                    None => {}
                    Some(Verdict::SleepKillable) => {
                        let report = Report {
                            page,
                            address: 0,
                            write,
                            thread: Pid::current_thread(),
                        };
                        self.sleep(Sleep::Killable, address_space, report)?;
                    }
                    Some(_) => return Err(EFAULT),
                }
                continue;
            };
            if state.ended {
                return Err(ENODEV);
            }
            let place = state.part.as_ref().and_then(|part| part.place(page));
            let place = place.ok_or(ENODEV)?;
            let Some(pages) = place.leaf.store().try_pages() else {
                let leaf = place.leaf.clone();
                drop(state);
                leaf.store().wait();
                continue;
            };
            if write && place.is_awaited(&pages) {
                let (leaf, index) = (place.leaf.clone(), place.page);
                drop(pages);
                drop(state);
                leaf.copy_before_write(index);
                continue;
            }
            if let Some(page) = pages.local_mapping(place.page) {
                return access(&page, within).ok_or(EINVAL);
            }
            // As in a fault.
            let (leaf, index) = (place.leaf.clone(), place.page);
            drop(pages);
            drop(state);
            leaf.populate(index)?;
        }
        Err(EINTR)
    }
}

/// A system call's access, which holds no lock of the kernel's.
fn by_call(privileged: bool) -> Access {
    Access {
        retry_without_wait: false,
        may_retry: true,
        user_mode: false,
        leaving: false,
        kernel_thread: false,
        privileged,
    }
}
