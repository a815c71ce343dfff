// SPDX-License-Identifier: GPL-2.0

//! The bytes of a descriptor, without a map (IOMemoryDescriptor::readBytes, writeBytes).
//!
//! Maps that are suspended have nothing to do with them. Who copies the memory has: a page is written
//! under `observers`, after a look at who claims it. So a claim is made before the page is written,
//! which then waits; or after that.
//!
//! A caller's memory can be a map of the same descriptor, and even a suspended one. So it is not
//! touched here, where locks are held that an access needs.

use super::{memory::Place, Descriptor};
use crate::{
    os::{
        task,
        wait::{Deadline, Sleep},
    },
    pure::range::PAGE_SIZE,
};
use kernel::prelude::*;

impl Descriptor {
    /// How many bytes there are from `offset` on to the end of their page. `ERANGE` beyond the end.
    pub(crate) fn in_page(&self, offset: u64) -> Result<usize> {
        let spot = self.extents().locate(offset).ok_or(ERANGE)?;

        Ok(spot.length.min(PAGE_SIZE - spot.offset) as usize)
    }

    /// Copies bytes of one page from `offset` on. Those that have no memory yet are zeros.
    ///
    /// `ERANGE` beyond the end; `ENODATA` if the memory was taken away.
    pub(crate) fn read(&self, offset: u64, to: &mut [u8]) -> Result {
        let (place, within) = self.spot(offset)?;
        let pages = place.leaf.store().pages();

        match pages.local_mapping(place.page) {
            Some(page) => {
                page.read_bytes(within, to);
            }
            None if pages.are_gone() => return Err(ENODATA),
            None => to.fill(0),
        }
        Ok(())
    }

    /// Copies bytes to one page, from `offset` on; gives it memory if it has none yet. Waits while it
    /// is being copied.
    ///
    /// `ERANGE` beyond the end; `ENODATA` if the memory was taken away; `ENOMEM` beyond the creator's
    /// limits; `EINTR` if the task is killed.
    pub(crate) fn write(&self, offset: u64, from: &[u8]) -> Result {
        let (place, within) = self.spot(offset)?;

        while !task::is_killed() {
            let pages = place.leaf.store().pages();
            if pages.address(place.page).is_none() {
                if pages.are_gone() {
                    return Err(ENODATA);
                }
                // Memory is allocated without the lock.
                drop(pages);
                place.leaf.populate(place.page)?;
                continue;
            }
            if place.is_awaited(&pages) {
                drop(pages);
                place.copy_before_write();
                continue;
            }
            let is_copied = {
                let observers = place.owner.observers.lock();
                let is_copied = observers.is_copied(place.page);
                if !is_copied {
                    if let Some(page) = pages.local_mapping(place.page) {
                        page.write_bytes(within, from);
                    }
                }
                is_copied
            };
            if !is_copied {
                return Ok(());
            }
            drop(pages);
            place.wait_for_copies()?;
        }
        Err(EINTR)
    }

    fn spot(&self, offset: u64) -> Result<(Place<'_>, usize)> {
        let spot = self.extents().locate(offset).ok_or(ERANGE)?;
        let place = self.place(spot.page).ok_or(ERANGE)?;

        Ok((place, spot.offset as usize))
    }
}

impl Place<'_> {
    /// Waits until the page is not being copied. `EINTR` if the task is killed.
    fn wait_for_copies(&self) -> Result {
        self.owner.released.wait(
            Sleep::Killable,
            // Who does not get the lock looks again from the top.
            || {
                self.owner
                    .observers
                    .try_lock()
                    .is_none_or(|observers| !observers.is_copied(self.page))
            },
            || Deadline::NEVER,
        )
    }
}
