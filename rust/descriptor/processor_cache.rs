// SPDX-License-Identifier: GPL-2.0

//! The processors' caches of a descriptor's memory (IOMemoryDescriptor::performOperation).

use super::Descriptor;
use crate::os::task;
use kernel::prelude::*;

/// What is done to them.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// What they have is written to memory, and dropped.
    Flush,
    /// What they have is written to memory.
    Store,
}

impl Descriptor {
    /// Does that to what the caches have of `length` bytes from `offset` on. Those that have no memory
    /// yet are in no cache.
    ///
    /// `ERANGE` beyond the end; `ENODATA` if the memory was taken away; `EINTR` if the task is killed.
    pub(crate) fn perform(&self, operation: Operation, mut offset: u64, length: u64) -> Result {
        let end = offset.checked_add(length).ok_or(EOVERFLOW)?;

        while offset < end {
            let spot = self.extents().locate(offset).ok_or(ERANGE)?;
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            let count = self.in_page(offset)?.min(left);

            self.perform_in_page(operation, spot.page, spot.offset as usize, count)?;
            offset += count as u64;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
        }
        Ok(())
    }

    /// Does that to bytes of one page. `ERANGE`, `ENODATA`.
    pub(crate) fn perform_in_page(
        &self,
        operation: Operation,
        page: usize,
        within: usize,
        length: usize,
    ) -> Result {
        let place = self.place(page).ok_or(ERANGE)?;
        let pages = place.leaf.store().pages();

        if pages.are_gone() {
            return Err(ENODATA);
        }
        if let Some(mapping) = pages.local_mapping(place.page) {
            match operation {
                Operation::Flush => mapping.flush(within, length),
                Operation::Store => mapping.store(within, length),
            }
        }
        Ok(())
    }
}
