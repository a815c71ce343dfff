// SPDX-License-Identifier: GPL-2.0

//! Folios: memory that is allocated, held and freed as one, a page or a piece of 2 MiB.
//!
//! C headers: [`include/linux/gfp.h`](srctree/include/linux/gfp.h),
//! [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{bindings, pages::Page};
use crate::pure::range::PAGE_SIZE;
use core::ptr::NonNull;
use kernel::prelude::*;

/// How many pages a piece has: what one entry of the page tables' second level shows.
pub(crate) const PIECE: usize = 1 << bindings::PMD_ORDER;

/// How many pages can follow one another in physical memory for sure: the kernel's allocator gives
/// no more at once. (One that gives more cannot charge them to a memory cgroup.)
pub(crate) const MAX_CONTIGUOUS: usize = 1 << bindings::MAX_PAGE_ORDER;

/// A folio that nobody else has seen yet.
///
/// # Invariants
///
/// The page is the first of its folio, which has 1 page or [`PIECE`].
pub(crate) struct Folio(Page);

impl Folio {
    /// A zeroed page, charged to the active memory cgroup. Sleeps.
    ///
    /// `ENOMEM` after reclaim has tried hard: whoever asks is told so, and nobody is killed for it.
    pub(crate) fn page() -> Result<Self> {
        // SAFETY: Allocating is always allowed where one may sleep.
        let page = NonNull::new(unsafe { bindings::iomd_alloc_page() });

        // SAFETY: A new page comes with one reference.
        // INVARIANT: A single page is the first.
        page.map(|page| Self(unsafe { Page::own(page) }))
            .ok_or(ENOMEM)
    }

    /// A zeroed piece, aligned in physical memory, charged as well. Sleeps. `None` unless it can be
    /// had without much effort.
    pub(crate) fn piece() -> Option<Self> {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
            return None;
        }
        // SAFETY: As above.
        let first = NonNull::new(unsafe { bindings::iomd_alloc_piece() });

        // SAFETY: As above.
        // INVARIANT: It is one folio, with so many pages, of which this is the first.
        first.map(|first| Self(unsafe { Page::own(first) }))
    }

    /// Makes its first page a copy of another; those who map that may see it change meanwhile.
    pub(crate) fn copy_from(&mut self, page: &Page) {
        self.0.copy_bytes(0, page, 0, PAGE_SIZE);
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        // By the invariant: all that follow the first.
        self.0.to_end()
    }

    pub(super) fn first(&self) -> &Page {
        &self.0
    }

    /// All of its pages.
    pub(super) fn iter(&self) -> impl Iterator<Item = *mut bindings::page> + '_ {
        let first = self.0.as_ptr();

        // SAFETY: The index is one of the folio's.
        (0..self.pages()).map(move |index| unsafe { bindings::iomd_page_at(first, index) })
    }

    /// Gives its reference away, by the first page.
    pub(super) fn into_raw(self) -> *mut bindings::page {
        let page = self.0.as_ptr();

        core::mem::forget(self);
        page
    }
}

/// Zeroed pages that follow one another in physical memory, each a folio of its own.
///
/// # Invariants
///
/// `left` pages from `next` on are ours, with one reference each.
pub(crate) struct Contiguous {
    next: NonNull<bindings::page>,
    left: usize,
}

impl Contiguous {
    /// So many of them, charged as well. Sleeps. `ENOMEM`, for more than [`MAX_CONTIGUOUS`] too, and if
    /// there is enough memory, but nowhere together.
    pub(crate) fn new(pages: usize) -> Result<Self> {
        if pages > MAX_CONTIGUOUS {
            return Err(ENOMEM);
        }
        // SAFETY: As above; the number of bytes does not overflow.
        let first = NonNull::new(unsafe { bindings::iomd_alloc_contiguous(pages) });

        // INVARIANT: So many new pages come, with one reference each.
        first.map(|next| Self { next, left: pages }).ok_or(ENOMEM)
    }

    /// The next of them, as long as there is one.
    pub(crate) fn take(&mut self) -> Option<Folio> {
        self.left = self.left.checked_sub(1)?;
        let page = self.next;
        // The next one, or the end. Those that are allocated at once are in one array.
        // SAFETY: By the invariant.
        self.next = unsafe { page.add(1) };

        // SAFETY: By the invariant the reference was ours, and is not any more.
        // INVARIANT: A single page is the first.
        Some(Folio(unsafe { Page::own(page) }))
    }
}

impl Drop for Contiguous {
    fn drop(&mut self) {
        // Those that nobody took.
        while let Some(folio) = self.take() {
            drop(folio);
        }
    }
}
