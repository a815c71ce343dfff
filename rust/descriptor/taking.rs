// SPDX-License-Identifier: GPL-2.0

//! Taking a buffer's memory away, all of it.

use super::{buffer::Buffer, own_pages::Contents};
use crate::os::{big_reader_lock::WriteGuard, task};

impl Buffer {
    /// The right to take the memory away. Waits for those who use pages just now.
    pub(super) fn taking(&self) -> Taking<'_> {
        Taking {
            buffer: self,
            contents: self.contents.write(),
        }
    }

    /// That right, if nobody uses a page.
    pub(super) fn try_taking(&self) -> Option<Taking<'_>> {
        Some(Taking {
            buffer: self,
            contents: self.contents.try_write()?,
        })
    }
}

/// The right to take a buffer's memory away: nobody uses a page of it, but by mappings that are
/// there already.
pub(super) struct Taking<'a> {
    buffer: &'a Buffer,
    contents: WriteGuard<'a, Contents>,
}

impl<'a> Taking<'a> {
    /// How many pages there are.
    pub(super) fn count(&self) -> usize {
        self.contents.as_ref().map_or(0, |array| array.count())
    }

    /// Whether someone holds a page besides its mappings.
    pub(super) fn finds_held_page(&self) -> bool {
        let range = self.buffer.range();
        let mut next = Some(range.start());

        while let Some(start) = next {
            let Some((held, end)) = self
                .contents
                .as_ref()
                .and_then(|array| array.held(start, range.last()))
            else {
                break;
            };
            if held != 0 {
                return true;
            }
            next = Some(end).filter(|&index| index <= range.last());
            task::yield_if_needed();
        }
        false
    }

    /// Takes it; no mapping may be left.
    pub(super) fn take(mut self) -> Taken<'a> {
        Taken {
            buffer: self.buffer,
            array: self.contents.take(),
        }
    }
}

/// What was a buffer's memory. Dropped, it is freed; who waits to use a page does not wait for that.
pub(super) struct Taken<'a> {
    buffer: &'a Buffer,
    array: Contents,
}

impl Taken<'_> {
    /// How many pages there are.
    pub(super) fn count(&self) -> usize {
        self.array.as_ref().map_or(0, |array| array.count())
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let pages = self.count();

        self.array = None;
        self.buffer.uncharge(pages);
    }
}
