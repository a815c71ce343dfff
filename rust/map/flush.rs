// SPDX-License-Identifier: GPL-2.0

//! IOFlushProcessorCache: the processors' caches of what a task has at some addresses.

use super::{view, Map};
use crate::{
    descriptor::processor_cache::Operation,
    os::{address_space::KeptAddressSpace, task},
};
use kernel::{page::PAGE_SIZE, prelude::*};

/// Writes what the caches have of these bytes back, and drops it from them. What is not present is in
/// no cache.
///
/// `EOVERFLOW` if the end is no address; `EFAULT` if nothing is mapped at some of them; `ESRCH` if the
/// address space is empty; `EINTR` if the task is killed. What was flushed before stays so.
pub(crate) fn flush(address_space: &KeptAddressSpace, start: usize, length: usize) -> Result {
    let end = start.checked_add(length).ok_or(EOVERFLOW)?;
    let mut address = start;

    while address < end {
        let within = address % PAGE_SIZE;
        let length = (PAGE_SIZE - within).min(end - address);

        // The kernel tells of a page what it has a reference to. To those of a map it need not have one.
        match view::at(address_space, address - within, 1) {
            Some(sight) => sight.map.flush_page(sight.page, within, length)?,
            None => address_space.flush_page(address, length)?,
        }
        address += length;
        if task::is_killed() {
            return Err(EINTR);
        }
        task::yield_if_needed();
    }
    Ok(())
}

impl Map {
    /// Flushes the caches of a part of one of its pages, if that is there.
    fn flush_page(&self, page: usize, within: usize, length: usize) -> Result {
        let shown = {
            let state = self.state.read();
            let part = state.part.as_ref().filter(|_| !state.ended);

            part.and_then(|part| Some((part.descriptor().clone(), part.range().nth(page)?)))
        };

        if let Some((descriptor, index)) = shown {
            match descriptor.perform_in_page(Operation::Flush, index, within, length) {
                // What was taken away is in no cache.
                Err(ENODATA) => Ok(()),
                outcome => outcome,
            }
        } else {
            Ok(())
        }
    }
}
