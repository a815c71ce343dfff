// SPDX-License-Identifier: GPL-2.0

//! Pages that we allocated.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{bindings, folio::PIECE};
use crate::pure::range::PAGE_SIZE;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};

/// One page of memory that user space may map; of a piece of them, perhaps.
///
/// # Invariants
///
/// `self` owns one reference to the page's folio.
#[repr(transparent)]
pub(crate) struct Page(NonNull<bindings::page>);

// SAFETY: A reference to a page belongs to no thread.
unsafe impl Send for Page {}
// SAFETY: `struct page` is made for concurrent use; the content is reached only by calls that say
// so.
unsafe impl Sync for Page {}

impl Page {
    /// # Safety
    ///
    /// The page is valid, and the caller gives a reference to it away.
    pub(super) unsafe fn own(page: NonNull<bindings::page>) -> Self {
        // INVARIANT: As required.
        Self(page)
    }

    /// Where it is in physical memory.
    pub(crate) fn physical_address(&self) -> u64 {
        // SAFETY: By the invariant the page is valid.
        unsafe { bindings::iomd_page_to_phys(self.as_ptr()) }
    }

    /// How many pages its folio has from this one on.
    pub(crate) fn to_end(&self) -> usize {
        // SAFETY: By the invariant the page is valid.
        let (pages, before) = unsafe {
            (
                bindings::iomd_folio_nr_pages(self.as_ptr()),
                bindings::iomd_folio_page_idx(self.as_ptr()),
            )
        };

        pages.saturating_sub(before)
    }

    /// Whether it is one of a piece.
    pub(crate) fn is_in_piece(&self) -> bool {
        // SAFETY: By the invariant the page is valid.
        unsafe { bindings::iomd_folio_nr_pages(self.as_ptr()) == PIECE }
    }

    /// Whether a piece begins with it.
    pub(crate) fn begins_piece(&self) -> bool {
        self.to_end() == PIECE
    }

    /// Another reference to the same page.
    pub(crate) fn share(&self) -> Self {
        // SAFETY: By the invariant the page is valid.
        unsafe { bindings::iomd_get_page(self.as_ptr()) };
        // INVARIANT: The reference is the new value's.
        Self(self.0)
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::page {
        self.0.as_ptr()
    }

    /// Whether someone besides us and the page tables has a reference: a pin for I/O, or an access
    /// in the middle of one. A reference is to the whole piece, whichever of its pages was meant.
    ///
    /// A page that no page table maps cannot get new ones. One that is still mapped elsewhere can
    /// be reported wrongly while it is just being mapped or unmapped there, never missed.
    pub(crate) fn is_held(&self) -> bool {
        // The count of references is read between two equal counts of mappings, so that the two
        // belong together. If they never come to rest the page is surely in use.
        for _ in 0..16 {
            // SAFETY: By the invariant the page is valid.
            let (before, references, after) = unsafe {
                (
                    bindings::iomd_page_mapcount(self.as_ptr()),
                    bindings::iomd_page_ref_count(self.as_ptr()),
                    bindings::iomd_page_mapcount(self.as_ptr()),
                )
            };
            if before == after {
                return references > after.saturating_add(1);
            }
        }
        true
    }

    /// Whether somebody else has a reference, page tables included.
    pub(crate) fn is_shared(&self) -> bool {
        // SAFETY: By the invariant the page is valid.
        unsafe { bindings::iomd_page_ref_count(self.as_ptr()) > 1 }
    }

    /// Copies bytes of `from`, from `from_offset` on, to `offset`; those who map either page may see
    /// them change meanwhile. What goes beyond a page is left out.
    pub(crate) fn copy_bytes(&self, offset: u64, from: &Page, from_offset: u64, length: u64) {
        if length >= PAGE_SIZE {
            // SAFETY: Both pages are valid. Memory that user space maps has no Rust references to it.
            unsafe { bindings::iomd_copy_highpage(self.as_ptr(), from.as_ptr()) };
            return;
        }
        let left = PAGE_SIZE.saturating_sub(offset.max(from_offset));

        // SAFETY: As above; neither range goes beyond its page.
        unsafe {
            bindings::iomd_memcpy_page(
                self.as_ptr(),
                offset as usize,
                from.as_ptr(),
                from_offset as usize,
                length.min(left) as usize,
            )
        };
    }

    /// Zeroes bytes from `offset` on. What goes beyond the page is left out.
    pub(crate) fn clear_bytes(&self, offset: u64, length: u64) {
        if length >= PAGE_SIZE {
            // SAFETY: As above.
            unsafe { bindings::iomd_clear_highpage(self.as_ptr()) };
            return;
        }
        let left = PAGE_SIZE.saturating_sub(offset);

        // SAFETY: As above.
        unsafe {
            bindings::iomd_memzero_page(self.as_ptr(), offset as usize, length.min(left) as usize)
        };
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Whoever pinned the page keeps it, and its memcg charge, until he lets go.
        // SAFETY: By the invariant the reference is ours to drop.
        unsafe { bindings::iomd_put_page(self.as_ptr()) };
    }
}

/// A page that somebody else keeps for `'a`.
pub(crate) struct PageRef<'a>(ManuallyDrop<Page>, PhantomData<&'a Page>);

impl PageRef<'_> {
    /// The page for `index` of a folio that is an entry at that index, among others.
    ///
    /// # Safety
    ///
    /// `first` is null, or the first page of a folio that is kept for the lifetime of the result.
    pub(super) unsafe fn of_folio(first: *mut bindings::page, index: usize) -> Option<Self> {
        let first = NonNull::new(first)?.as_ptr();

        // SAFETY: As required. By the alignment of entries it is a page of the folio.
        unsafe { Self::from_raw(bindings::iomd_page_at(first, index)) }
    }

    /// # Safety
    ///
    /// `page` is null, or a page that is kept for the lifetime of the result.
    pub(super) unsafe fn from_raw(page: *mut bindings::page) -> Option<Self> {
        NonNull::new(page).map(|page| Self(ManuallyDrop::new(Page(page)), PhantomData))
    }

    /// The page, whose reference is not the result's.
    pub(super) fn into_page(self) -> ManuallyDrop<Page> {
        self.0
    }
}

impl Deref for PageRef<'_> {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.0
    }
}
