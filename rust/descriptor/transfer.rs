// SPDX-License-Identifier: GPL-2.0

//! The bytes of a copy: which are where, in two descriptors whose pages need not lie alike.

use super::{reserve::Reserve, runs::each_run, Descriptor};
use crate::{
    os::{frame::Frame, run::Run, task},
    pure::{
        extents::Span,
        range::{PageRange, PAGE_SIZE},
    },
};
use kernel::prelude::*;

/// As many bytes of one descriptor as of another.
pub(super) struct Transfer<'a> {
    pub(super) source: &'a Descriptor,
    pub(super) from: Span,
    pub(super) target: &'a Descriptor,
    pub(super) to: Span,
}

impl Transfer<'_> {
    /// Whether each page of the one has the bytes of one page of the other.
    pub(super) fn is_by_pages(&self) -> bool {
        let from = self
            .source
            .extents()
            .cover(self.from.offset, self.from.length);
        let to = self.target.extents().cover(self.to.offset, self.to.length);

        matches!((from, to), (Ok(from), Ok(to)) if from.head == to.head)
    }

    /// Whether it is of whole pages only, that are in the same order on both sides, and none of a device.
    fn is_of_whole_pages(&self) -> bool {
        let is_whole = |descriptor: &Descriptor, span: &Span| {
            let cover = descriptor.extents().cover(span.offset, span.length);
            let is_aligned = cover.is_ok_and(|cover| cover.head == 0);

            is_aligned
                && span.length % PAGE_SIZE == 0
                && descriptor
                    .places(span.pages)
                    .all(|(_, place)| place.is_managed())
        };

        is_whole(self.source, &self.from) && is_whole(self.target, &self.to)
    }

    /// Sets a page aside for the target wherever bytes of the source have memory.
    pub(super) fn fill(&self, reserve: &mut Reserve<'_>) -> Result {
        if reserve.is_needless(self.to.pages) {
            return Ok(());
        }
        each_page(self.source, self.from.pages, |_, index| {
            let Some(content) = self
                .source
                .extents()
                .content(index)
                .and_then(|content| content.clipped(&self.from))
            else {
                return Ok(());
            };
            let start = moved(content.position, &self.from, &self.to)?;
            let to = self.target.extents().span(start, content.length)?;
            for page in to.pages.start()..to.pages.end() {
                reserve.add(page)?;
            }
            Ok(())
        })
    }

    /// Makes the target's bytes those of the source, where a page without memory is zeros.
    pub(super) fn run(&self) -> Result {
        if self.is_of_whole_pages() {
            self.copy_pages()
        } else {
            self.copy_bytes()
        }
    }

    fn copy_pages(&self) -> Result {
        each_run(self.target, self.to.pages, |run, index| {
            let mut run = &**run;
            let mut from = index
                .checked_sub(self.to.pages.start())
                .and_then(|before| self.from.pages.nth(before));

            while let Some(first) = run.first() {
                let page = from.ok_or(ERANGE)?;
                let place = self.source.place(page).ok_or(ERANGE)?;
                let pages = place.leaf.store().pages();
                let mut source = Run::new();
                pages.load(&mut source, place.page, run.len().min(place.pages));
                for (to, from) in run.iter().zip(&*source) {
                    to.copy_bytes(0, from, 0, PAGE_SIZE);
                }
                if source.is_empty() {
                    first.clear_bytes(0, PAGE_SIZE);
                }
                let done = source.len().max(1);
                run = run.get(done..).unwrap_or(&[]);
                from = page.checked_add(done);
            }
            Ok(())
        })
    }

    fn copy_bytes(&self) -> Result {
        each_page(self.target, self.to.pages, |page, index| {
            let Some(content) = self
                .target
                .extents()
                .content(index)
                .and_then(|content| content.clipped(&self.to))
            else {
                return Ok(());
            };
            let mut position = moved(content.position, &self.to, &self.from)?;
            let mut offset = content.offset;
            let end = content.offset.saturating_add(content.length);

            while offset < end {
                let spot = self.source.extents().locate(position).ok_or(ERANGE)?;
                let length = spot
                    .length
                    .min(PAGE_SIZE.saturating_sub(spot.offset))
                    .min(end - offset);
                let place = self.source.place(spot.page).ok_or(ERANGE)?;
                let frame = place.leaf.store().pages().frame(place.page);
                match frame {
                    Some(from) => page.copy_bytes(offset, &from, spot.offset, length),
                    None => page.clear_bytes(offset, length),
                }
                position = position.checked_add(length).ok_or(EOVERFLOW)?;
                offset = offset.saturating_add(length);
            }
            Ok(())
        })
    }
}

/// A position in one span as one in another.
fn moved(position: u64, from: &Span, to: &Span) -> Result<u64> {
    position
        .checked_sub(from.offset)
        .and_then(|before| to.offset.checked_add(before))
        .ok_or(EOVERFLOW)
}

/// Calls `work` with each page of `range` that has memory, and its index in the descriptor. `EINTR` if
/// the task is killed.
fn each_page(
    descriptor: &Descriptor,
    range: PageRange,
    mut work: impl FnMut(&Frame, usize) -> Result,
) -> Result {
    for (start, place) in descriptor.places(range) {
        let mut next = Some(place.page);

        while let Some(from) = next {
            // A reference of our own: the pages of one memory at a time.
            let Some((index, page)) = place.leaf.store().pages().next_frame(from, place.last())
            else {
                break;
            };
            let before = index.checked_sub(place.page).ok_or(ERANGE)?;
            work(&page, start.checked_add(before).ok_or(ERANGE)?)?;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
            next = index.checked_add(1).filter(|&index| index <= place.last());
        }
    }
    Ok(())
}
