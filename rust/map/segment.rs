// SPDX-License-Identifier: GPL-2.0

//! Where a map is in physical memory: IOMemoryDescriptor::getPhysicalSegment, clipped to the map.

use super::Map;
use crate::{os::task, pure::range::PAGE_SIZE};
use kernel::prelude::*;

/// Bytes that follow one another in physical memory.
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) length: u64,
}

impl Map {
    /// The segment that begins at the byte `offset` of the map, after which as many are `left`, it
    /// included.
    ///
    /// `ENODATA` if there is no memory, not yet or not any more, `ENODEV` for a map
    /// that has ended, `EINTR` if the task is killed. The memory stays there no longer than its
    /// buffer.
    pub(crate) fn segment(&self, offset: u64, left: u64) -> Result<Segment> {
        if self.has_ended() {
            return Err(ENODEV);
        }
        // Not with the lock for long: as many pages as there are can follow one another.
        let (descriptor, range) = {
            let state = self.state.read();
            let part = state.part.as_ref().ok_or(ENODEV)?;

            (part.descriptor().clone(), part.range())
        };
        let position = self.page_offset().checked_add(offset).ok_or(ERANGE)?;
        let first = usize::try_from(position / PAGE_SIZE).map_err(|_| ERANGE)?;
        let place = range
            .nth(first)
            .and_then(|page| descriptor.place(page))
            .ok_or(ENODATA)?;
        let pages = place.leaf.store().pages();
        let page_at = |number: usize| {
            let after = number.checked_sub(first).filter(|&n| n < place.pages)?;
            pages.address(place.page.checked_add(after)?)
        };
        let start = page_at(first).ok_or(ENODATA)?;
        let within = position % PAGE_SIZE;

        let mut length = PAGE_SIZE - within;
        let mut number = first;
        while length < left {
            number = number.saturating_add(1);
            let follows = start
                .checked_add(within)
                .and_then(|at| at.checked_add(length));
            if page_at(number) != follows || follows.is_none() {
                break;
            }
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
            length = length.saturating_add(PAGE_SIZE);
        }
        Ok(Segment {
            address: start.saturating_add(within),
            length: length.min(left),
        })
    }
}
