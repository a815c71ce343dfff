// SPDX-License-Identifier: GPL-2.0

//! A sparse array of pages.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    bindings, cache,
    folio::Folio,
    pages::{Page, PageRef},
    run::{Run, SharedRun},
    rwsem::{new_rw_semaphore, RwSemaphore},
};
use crate::pure::cache::CacheMode;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
    types::Opaque,
};

/// Entries of page tables are to have another mode than write-back.
const SPECIAL: u32 = 1;

/// Somebody is to have a copy of some pages before they are written.
const COPIED: u32 = 2;

/// Pages by index, most of which may be missing.
///
/// # Invariants
///
/// Every entry is the first page of a folio whose reference the array owns, at as many indices as the
/// folio has pages, of which the first is a multiple of that. An entry, once there, stays until the
/// array is dropped, so that it may be used without a lock. While nobody has `cache_mode` for
/// writing, every page has that mode.
#[pin_data(PinnedDrop)]
pub(crate) struct PageArray {
    #[pin]
    entries: Opaque<bindings::xarray>,
    count: Atomic<usize>,
    /// [`SPECIAL`] and [`COPIED`], in one word for faults, which look whether there is either.
    state: Atomic<u32>,
    /// Changed by [`cache`] only.
    #[pin]
    pub(super) cache_mode: RwSemaphore<CacheMode>,
}

// SAFETY: Pages can be sent, and the array has a lock of its own.
unsafe impl Send for PageArray {}
// SAFETY: As above.
unsafe impl Sync for PageArray {}

impl PageArray {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: There are no entries.
            // SAFETY: `slot` is valid for the call and pinned from then on.
            entries <- Opaque::ffi_init(|slot| unsafe {
                bindings::iomd_xa_init_accounted(slot)
            }),
            count: Atomic::new(0),
            state: Atomic::new(0),
            cache_mode <- new_rw_semaphore!(CacheMode::WriteBack, "iomd_cache_mode"),
        })
    }

    /// How many pages there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether entries of page tables are to be special ones ([`super::fault::Fault::insert_special`]).
    pub(crate) fn is_special(&self) -> bool {
        self.state.load(Relaxed) & SPECIAL != 0
    }

    /// Whether there can be a page that somebody is to have a copy of before it is written.
    pub(crate) fn is_copied(&self) -> bool {
        self.state.load(Relaxed) & COPIED != 0
    }

    /// Whether neither is so.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.state.load(Relaxed) == 0
    }

    /// Notes whether entries of page tables are to be special ones. Changes only while there are none.
    pub(super) fn set_special(&self, special: bool) {
        self.set(SPECIAL, special);
    }

    /// Notes whether there can be such a page, for the caller to find out which.
    pub(crate) fn set_copied(&self, copied: bool) {
        self.set(COPIED, copied);
    }

    fn set(&self, bit: u32, on: bool) {
        let mut before = self.state.load(Relaxed);

        loop {
            let after = if on { before | bit } else { before & !bit };
            match self.state.cmpxchg(before, after, Relaxed) {
                Ok(_) => break,
                Err(now) => before = now,
            }
        }
    }

    /// The page at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        // SAFETY: The array was initialised; `xa_load` takes the RCU lock that it needs. By the
        // invariant what it returns is a page that stays as long as `self`.
        unsafe { PageRef::of_folio(bindings::xa_load(self.entries.get(), index).cast(), index) }
    }

    /// The page at `index`, if it is found at once and its folio has no other.
    #[inline]
    pub(crate) fn single(&self, index: usize) -> Option<PageRef<'_>> {
        // SAFETY: As above.
        unsafe { PageRef::from_raw(bindings::iomd_xa_load_single(self.entries.get(), index)) }
    }

    /// The first page of the piece that begins at `index`, if it is found at once.
    #[inline]
    pub(crate) fn piece(&self, index: usize) -> Option<PageRef<'_>> {
        // SAFETY: As above.
        unsafe { PageRef::from_raw(bindings::iomd_xa_load_piece(self.entries.get(), index)) }
    }

    /// Makes `run` the pages from `index` on up to the first gap, so many at most.
    pub(crate) fn load<'a>(&'a self, run: &mut Run<'a>, index: usize, most: usize) {
        // SAFETY: The array was initialised; by the invariant its entries stay as long as `self`.
        unsafe { run.load(self.entries.get(), index, most) };
    }

    /// As [`PageArray::load`], with references of the run's own.
    pub(crate) fn share(&self, run: &mut SharedRun, index: usize, most: usize) {
        // SAFETY: As above.
        unsafe { run.load(self.entries.get(), index, most) };
    }

    /// How many pages someone holds ([`Page::is_held`]) of some that follow one another, the first of which
    /// is the first at or after `index` up to and including `last`; and the index after them. `None` if
    /// there is none.
    pub(crate) fn held(&self, index: usize, last: usize) -> Option<(usize, usize)> {
        let most = last.checked_sub(index)?.checked_add(1)?;
        // Mostly nothing maps them any more, and our reference is all there is.
        // SAFETY: The array was initialised, and its entries stay as long as `self`.
        let free = unsafe { bindings::iomd_xa_unshared_pages(self.entries.get(), index, most) };
        if free != 0 {
            return Some((0, index.saturating_add(free)));
        }
        let (first, page) = self.next(index, last)?;
        // A piece is held as one.
        let pages = page.to_end().min(last.checked_sub(first)?.checked_add(1)?);
        let held = if page.is_held() { pages } else { 0 };

        Some((held, first.saturating_add(pages)))
    }

    /// The first page at or after `index` up to and including `last`, with its index.
    pub(crate) fn next(&self, mut index: usize, last: usize) -> Option<(usize, PageRef<'_>)> {
        // SAFETY: As above.
        let page = unsafe {
            let first =
                bindings::xa_find(self.entries.get(), &mut index, last, bindings::XA_PRESENT);

            PageRef::of_folio(first.cast(), index)
        };

        page.map(|page| (index, page))
    }

    /// Puts a folio in, unless there is a page of it already: `EBUSY`; or no memory for the entry or
    /// for the array's cache mode: `ENOMEM`; or it is not aligned there: `EINVAL`.
    pub(crate) fn insert(&self, index: usize, folio: Folio) -> Result {
        let pages = folio.pages();
        if index.checked_rem(pages) != Some(0) {
            return Err(EINVAL);
        }
        // Held until the folio is in: who changes the mode changes that of all pages.
        let mode = self.cache_mode.read();
        cache::set_of_new(&folio, *mode)?;
        // Nodes are allocated as pages are: nobody is killed for them.
        // SAFETY: The array was initialised.
        to_result(unsafe {
            bindings::iomd_xa_insert_folio(self.entries.get(), index, folio.first().as_ptr())
        })
        .inspect_err(|_| cache::restore_new(&folio, *mode))?;
        // INVARIANT: The array has the reference now.
        folio.into_raw();
        self.count.fetch_add(pages, Relaxed);
        Ok(())
    }
}

#[pinned_drop]
impl PinnedDrop for PageArray {
    fn drop(self: Pin<&mut Self>) {
        // Nobody else has it any more.
        if let Some(mode) = self.cache_mode.try_read() {
            self.restore_all(*mode);
        }
        let mut index = 0;

        loop {
            // SAFETY: The array was initialised, and nobody else uses it any more.
            let first = unsafe {
                bindings::xa_find(
                    self.entries.get(),
                    &mut index,
                    usize::MAX,
                    bindings::XA_PRESENT,
                )
            };
            let Some(first) = NonNull::new(first.cast()) else {
                break;
            };
            // One by one, which frees nodes on the way: `xa_destroy` would free them all with
            // interrupts off.
            // SAFETY: As above.
            unsafe { bindings::xa_erase(self.entries.get(), index) };
            // SAFETY: By the invariant the reference is ours.
            let first = unsafe { Page::own(first) };
            let pages = first.to_end();
            drop(first);
            let Some(next) = index.checked_add(pages) else {
                break;
            };
            index = next;
            super::task::yield_if_needed();
        }
        // SAFETY: As above; there is nothing left in it.
        unsafe { bindings::xa_destroy(self.entries.get()) };
    }
}
