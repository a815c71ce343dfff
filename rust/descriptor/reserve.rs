// SPDX-License-Identifier: GPL-2.0

//! Memory set aside for a descriptor, so that a call that is refused in the end leaves the descriptor
//! as it was.

use super::{buffer::Buffer, memory::Place, Descriptor};
use crate::{os::folio::Folio, pure::range::PageRange};
use kernel::prelude::*;

/// Pages for places of a descriptor that have no memory yet, charged as the buffers' own that they
/// are for.
pub(super) struct Reserve<'a> {
    descriptor: &'a Descriptor,
    /// By the descriptor's pages: rising up to `sorted`, and again after it.
    pages: KVVec<(usize, Folio)>,
    sorted: usize,
}

impl<'a> Reserve<'a> {
    pub(super) fn new(descriptor: &'a Descriptor) -> Self {
        Self {
            descriptor,
            pages: KVVec::new(),
            sorted: 0,
        }
    }

    /// Whether each buffer that pages of `range` are of has all of its memory.
    pub(super) fn is_needless(&self, range: PageRange) -> bool {
        self.descriptor.places(range).all(|(_, place)| {
            place
                .leaf
                .as_buffer()
                .is_none_or(|buffer| buffer.pages().count() == buffer.range().pages())
        })
    }

    /// From here on places may be named again that were named before.
    pub(super) fn rewind(&mut self) {
        self.sorted = self.pages.len();
    }

    /// Sets a page aside for the descriptor's page `index`, unless there is one, or here. From call to
    /// call indices do not fall. `ENOMEM` beyond the limits of the buffer's creator.
    pub(super) fn add(&mut self, index: usize) -> Result {
        let earlier = self.pages.get(..self.sorted).unwrap_or(&[]);
        let is_last = self.pages.last().is_some_and(|(last, _)| *last == index);
        let is_here = is_last
            || earlier
                .binary_search_by_key(&index, |(index, _)| *index)
                .is_ok();
        if is_here {
            return Ok(());
        }
        let Some((buffer, page)) = self.descriptor.buffer_at(index) else {
            return Ok(());
        };
        if buffer.pages().has(page) {
            return Ok(());
        }

        // Room first: what is charged then is a page of ours.
        self.pages.reserve(1, GFP_KERNEL)?;
        let page = buffer.charge_page()?;
        self.pages.push((index, page), GFP_KERNEL)?;
        Ok(())
    }

    /// Gives the buffers their pages. `ENOMEM` if there is none to keep track of them; some of them
    /// are the buffers' then, zeros where there were zeros.
    pub(super) fn commit(mut self) -> Result {
        while let Some((index, page)) = self.pages.pop() {
            if let Some((buffer, place)) = self.descriptor.buffer_at(index) {
                buffer.insert_charged(&buffer.pages(), place, page)?;
            }
        }
        Ok(())
    }
}

impl Drop for Reserve<'_> {
    fn drop(&mut self) {
        for (index, _) in &self.pages {
            if let Some((buffer, _)) = self.descriptor.buffer_at(*index) {
                buffer.uncharge(1);
            }
        }
    }
}

impl Descriptor {
    /// The buffer that a page is of, if it is of one, and its number there.
    fn buffer_at(&self, page: usize) -> Option<(&Buffer, usize)> {
        let Place { leaf, page, .. } = self.place(page)?;

        Some((leaf.as_buffer()?, page))
    }
}
