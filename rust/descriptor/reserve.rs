// SPDX-License-Identifier: GPL-2.0

//! Memory set aside for a buffer, so that a call that is refused in the end leaves the buffer as it
//! was.

use super::buffer::Buffer;
use crate::os::pages::Page;
use kernel::prelude::*;

/// Pages for places of a buffer that have no memory yet, charged as the buffer's own.
pub(super) struct Reserve<'a> {
    buffer: &'a Buffer,
    /// Rising by index up to `sorted`, and again after it.
    pages: KVVec<(usize, Page)>,
    sorted: usize,
}

impl<'a> Reserve<'a> {
    pub(super) fn new(buffer: &'a Buffer) -> Self {
        Self {
            buffer,
            pages: KVVec::new(),
            sorted: 0,
        }
    }

    /// From here on places may be named again that were named before.
    pub(super) fn rewind(&mut self) {
        self.sorted = self.pages.len();
    }

    /// Sets a page aside for `index`, unless there is one in the buffer, or here from before
    /// [`Reserve::rewind`]. Indices rise from call to call. `ENOMEM` beyond the creator's limits.
    pub(super) fn add(&mut self, index: usize) -> Result {
        let earlier = self.pages.get(..self.sorted).unwrap_or(&[]);
        let is_here = earlier
            .binary_search_by_key(&index, |(index, _)| *index)
            .is_ok();

        if is_here || self.buffer.pages().has(index) {
            return Ok(());
        }
        // Room first: what is charged then is a page of ours.
        self.pages.reserve(1, GFP_KERNEL)?;
        let page = self.buffer.charge_page()?;
        self.pages.push((index, page), GFP_KERNEL)?;
        Ok(())
    }

    /// Gives the buffer its pages. `ENOMEM` if there is none to keep track of them; some of them
    /// are the buffer's then, zeros where there were zeros.
    pub(super) fn commit(mut self) -> Result {
        while let Some((index, page)) = self.pages.pop() {
            self.buffer
                .insert_charged(&self.buffer.pages(), index, page)?;
        }
        Ok(())
    }
}

impl Drop for Reserve<'_> {
    fn drop(&mut self) {
        self.buffer.uncharge(self.pages.len());
    }
}
