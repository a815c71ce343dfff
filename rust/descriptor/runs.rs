// SPDX-License-Identifier: GPL-2.0

//! Pages with memory, several at a time: looked up one by one they cost more than what is done with them.

use super::{
    memory::{Pages, Place, Store},
    Descriptor,
};
use crate::{
    os::{
        run::{self, Run, SharedRun},
        task,
    },
    pure::range::PageRange,
};
use core::iter;
use kernel::prelude::*;

impl Pages<'_> {
    /// Makes `run` the pages from `index` on up to the first without memory, so many at most. None of a
    /// device.
    #[inline]
    pub(crate) fn load<'p>(&'p self, run: &mut Run<'p>, index: usize, most: usize) {
        run.clear();
        match self {
            Self::Own(contents) => {
                if let Some(array) = &**contents {
                    array.load(run, index, most);
                }
            }
            Self::Foreign(_) => {
                for index in (index..).take(most.min(run::LENGTH)) {
                    let Some(page) = self.get(index) else { break };
                    run.push(page);
                }
            }
            Self::Device(_) | Self::Nothing => {}
        }
    }

    /// Makes `run` the first pages with memory in `[index, last]` that follow one another, none of a
    /// device. The index of the first; `None` if there is none.
    fn share(&self, run: &mut SharedRun, index: usize, last: usize) -> Option<usize> {
        let (first, page) = self.next(index, last)?;
        let most = last.checked_sub(first)?.checked_add(1)?;

        match self {
            Self::Own(contents) => contents.as_ref()?.share(run, first, most),
            Self::Foreign(_) | Self::Device(_) | Self::Nothing => run.set(page.share()),
        }
        Some(first)
    }

    /// How many pages are one folio with the first that has memory in `[index, last]`, and follow it there;
    /// and the index after them. `None` if there is none.
    fn present(&self, index: usize, last: usize) -> Option<(usize, usize)> {
        let (first, page) = self.next(index, last)?;
        let pages = match self {
            Self::Own(_) => page.to_end(),
            // Theirs need not follow one another here.
            Self::Foreign(_) | Self::Device(_) | Self::Nothing => 1,
        };
        let end = first.saturating_add(pages).min(last.saturating_add(1));

        Some((end.checked_sub(first)?, end))
    }

    /// As [`PageArray::held`](crate::os::page_array::PageArray::held). Through special entries for pages
    /// nobody gets hold of one; and who else has a page of others is their affair.
    fn held(&self, index: usize, last: usize) -> Option<(usize, usize)> {
        match self {
            Self::Own(contents) => contents.as_ref()?.held(index, last),
            Self::Foreign(_) | Self::Device(_) | Self::Nothing => None,
        }
    }
}

impl<'a> Pages<'a> {
    /// Where the pages from `index` on are in physical memory, so many at most, up to the first that is
    /// nowhere.
    pub(crate) fn addresses<'p>(
        &'p self,
        index: usize,
        most: usize,
    ) -> impl Iterator<Item = u64> + use<'a, 'p> {
        let mut run = Run::new();
        let (mut done, mut of_run) = (0, 0);

        iter::from_fn(move || {
            let left = most.checked_sub(done).filter(|&left| left != 0)?;
            let next = index.checked_add(done)?;
            done += 1;
            if let Self::Device(range) = self {
                return range.address(next);
            }
            if of_run == run.len() {
                self.load(&mut run, next, left);
                of_run = 0;
            }
            let page = run.get(of_run)?;
            of_run += 1;
            Some(page.physical_address())
        })
    }
}

impl Place<'_> {
    /// How many of the pages have memory.
    pub(super) fn count(&self) -> usize {
        let pages = self.leaf.store().pages();
        if let Pages::Device(_) = pages {
            return self.pages;
        }

        // A task that is killed needs no number.
        self.sum(|index, last| pages.present(index, last))
            .unwrap_or(0)
    }

    /// How many of them someone holds, as [`Pages::held`]. `EINTR` if the task is killed.
    pub(super) fn held(&self) -> Result<usize> {
        let pages = self.leaf.store().pages();

        self.sum(|index, last| pages.held(index, last))
    }

    /// The sum of what `step` says, with the index after the pages that it is about, of all of them.
    fn sum(&self, step: impl Fn(usize, usize) -> Option<(usize, usize)>) -> Result<usize> {
        let mut sum = 0_usize;
        let mut next = self.page;

        while next <= self.last() {
            let Some((more, end)) = step(next, self.last()) else {
                break;
            };
            sum = sum.saturating_add(more);
            next = end;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
        }
        Ok(sum)
    }

    /// Whether the kernel manages what memory there is.
    pub(super) fn is_managed(&self) -> bool {
        !matches!(self.leaf.store(), Store::Device(_))
    }
}

/// Calls `work` with all pages of `range` that have memory, a run at a time, and the index of the first in
/// the descriptor. None of a device. `EINTR` if the task is killed.
pub(super) fn each_run(
    descriptor: &Descriptor,
    range: PageRange,
    mut work: impl FnMut(&SharedRun, usize) -> Result,
) -> Result {
    let mut run = SharedRun::new();

    for (start, place) in descriptor.places(range) {
        let mut next = place.page;

        while next <= place.last() {
            // References of our own: the pages of one memory at a time.
            let pages = place.leaf.store().pages();
            let Some(first) = pages.share(&mut run, next, place.last()) else {
                break;
            };
            drop(pages);
            let before = first.checked_sub(place.page).ok_or(ERANGE)?;
            work(&run, start.checked_add(before).ok_or(ERANGE)?)?;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
            next = first.saturating_add(run.len().max(1));
        }
    }
    Ok(())
}
