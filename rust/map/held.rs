// SPDX-License-Identifier: GPL-2.0

//! Which pages of a map a suspension holds up, if not all.

use crate::pure::{page_set, range::PageRange};
use kernel::prelude::*;

/// Pages of a map that accesses wait for.
pub(super) enum Held {
    Nothing,
    Some(Pages),
}

/// Some of them, a bit for each.
pub(super) struct Pages {
    set: KVVec<u64>,
    count: usize,
}

impl Pages {
    /// None of a map's pages. `ENOMEM`.
    fn none(map: PageRange) -> Result<Self> {
        let mut set = KVVec::new();

        set.resize(page_set::words(map.pages()), 0, GFP_KERNEL_ACCOUNT)?;
        Ok(Self { set, count: 0 })
    }
}

impl Held {
    /// Whether accesses to a page wait.
    pub(super) fn holds(&self, page: usize) -> bool {
        match self {
            Held::Nothing => false,
            Held::Some(pages) => page_set::contains(&pages.set, page),
        }
    }

    /// Whether accesses to one of these pages wait.
    pub(super) fn holds_any(&self, range: PageRange) -> bool {
        match self {
            Held::Nothing => false,
            Held::Some(pages) => page_set::overlaps(&pages.set, range),
        }
    }

    /// How many pages from `first` on accesses do not wait for; no more than `most`.
    pub(super) fn free(&self, first: usize, most: usize) -> usize {
        match self {
            Held::Nothing => most,
            Held::Some(_) => (first..)
                .take(most)
                .take_while(|&page| !self.holds(page))
                .count(),
        }
    }

    /// All of a map's pages, or nothing, but so that pages can be held and let go one by one.
    /// `ENOMEM`.
    pub(super) fn in_pages(map: PageRange, all: bool) -> Result<Self> {
        let mut pages = Pages::none(map)?;

        if all {
            pages.count = page_set::insert(&mut pages.set, map);
        }
        Ok(Held::Some(pages))
    }

    /// Holds these too.
    pub(super) fn hold(&mut self, range: PageRange) {
        if let Held::Some(pages) = self {
            pages.count += page_set::insert(&mut pages.set, range);
        }
    }

    /// Lets these go; says whether any is left.
    pub(super) fn let_go(&mut self, range: PageRange) -> bool {
        match self {
            Held::Some(pages) => {
                let gone = page_set::remove(&mut pages.set, range);
                pages.count = pages.count.saturating_sub(gone);
                pages.count != 0
            }
            Held::Nothing => false,
        }
    }
}
