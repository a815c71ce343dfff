// SPDX-License-Identifier: GPL-2.0

//! Runs: some pages of an array that follow one another. Looked up together they cost little more than
//! one of them.

use super::{
    bindings,
    pages::{Page, PageRef},
};
use core::{
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::Deref,
    slice,
};

/// How many pages a run has at most: what a node of an array has room for.
pub(crate) const LENGTH: usize = 64;

/// Pages that follow one another, which somebody else keeps for `'a`.
///
/// # Invariants
///
/// The first `count` of `pages` are initialised, with pages that are kept for `'a`.
pub(crate) struct Run<'a> {
    pages: [MaybeUninit<ManuallyDrop<Page>>; LENGTH],
    count: usize,
    _kept: PhantomData<&'a Page>,
}

impl<'a> Run<'a> {
    /// An empty one, to be filled where it is: it is large.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        // INVARIANT: None is initialised.
        Self {
            pages: [const { MaybeUninit::uninit() }; LENGTH],
            count: 0,
            _kept: PhantomData,
        }
    }

    /// Makes it those of an array from `index` on, so many at most.
    ///
    /// # Safety
    ///
    /// The array is initialised, its entries are folios as those of a [`PageArray`](super::page_array),
    /// and they are kept for `'a`.
    pub(super) unsafe fn load(&mut self, array: *mut bindings::xarray, index: usize, most: usize) {
        let most = most.min(LENGTH);
        // SAFETY: As required; a `Page` is a pointer to a page, and there is room for so many.
        let count = unsafe { bindings::iomd_xa_load_run(array, index, self.as_raw(), most) };
        // INVARIANT: So many are written.
        self.count = count;
    }

    /// Appends a page, if there is room.
    pub(crate) fn push(&mut self, page: PageRef<'a>) {
        if let Some(slot) = self.pages.get_mut(self.count) {
            slot.write(page.into_page());
            // INVARIANT: One more is initialised.
            self.count += 1;
        }
    }

    /// Makes it empty.
    pub(crate) fn clear(&mut self) {
        // INVARIANT: None is to be initialised.
        self.count = 0;
    }

    /// Its pages, as the kernel's calls want them.
    pub(super) fn as_raw(&mut self) -> *mut *mut bindings::page {
        self.pages.as_mut_ptr().cast()
    }
}

impl Deref for Run<'_> {
    type Target = [ManuallyDrop<Page>];

    fn deref(&self) -> &Self::Target {
        // SAFETY: By the invariant.
        unsafe { slice::from_raw_parts(self.pages.as_ptr().cast(), self.count) }
    }
}

/// Pages that follow one another, with references of our own.
///
/// # Invariants
///
/// `self` owns a reference to each page of the run.
pub(crate) struct SharedRun(Run<'static>);

impl SharedRun {
    /// An empty one, to be filled where it is.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(Run::new())
    }

    /// As [`Run::load`], with references of our own.
    ///
    /// # Safety
    ///
    /// As of [`Run::load`], but that the pages are kept for the call.
    pub(super) unsafe fn load(&mut self, array: *mut bindings::xarray, index: usize, most: usize) {
        self.clear();
        // SAFETY: As required; from the next call on we keep them ourselves.
        unsafe { self.0.load(array, index, most) };
        // INVARIANT: The references are ours.
        // SAFETY: By the invariant of the run so many are valid.
        unsafe { bindings::iomd_get_pages(self.0.as_raw(), self.0.count) };
    }

    /// Makes it this page.
    pub(crate) fn set(&mut self, page: Page) {
        self.clear();
        self.0.pages[0].write(ManuallyDrop::new(page));
        // INVARIANT: One is initialised, with its reference.
        self.0.count = 1;
    }

    fn clear(&mut self) {
        // SAFETY: By the invariant they are ours to drop.
        unsafe { bindings::iomd_put_pages(self.0.as_raw(), self.0.count) };
        self.0.clear();
    }
}

impl Deref for SharedRun {
    type Target = [ManuallyDrop<Page>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for SharedRun {
    fn drop(&mut self) {
        self.clear();
    }
}
