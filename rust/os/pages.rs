// SPDX-License-Identifier: GPL-2.0

//! Pages that we allocated, and a sparse array of them.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::{
    bindings, cache,
    rwsem::{new_rw_semaphore, RwSemaphore},
};
use crate::pure::{cache::CacheMode, range::PAGE_SIZE};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
    types::Opaque,
};

/// One page of memory that user space may map.
///
/// # Invariants
///
/// `self` owns one reference to a page, which can be part of a folio.
#[repr(transparent)]
pub(crate) struct Page(NonNull<bindings::page>);

// SAFETY: A reference to a page belongs to no thread.
unsafe impl Send for Page {}
// SAFETY: `struct page` is made for concurrent use; the content is reached only by calls that say
// so.
unsafe impl Sync for Page {}

impl Page {
    /// A zeroed page, charged to the active memory cgroup. Sleeps.
    ///
    /// `ENOMEM` after reclaim has tried hard: whoever asks is told so, and nobody is killed for it.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Allocating is always allowed where one may sleep.
        let page = unsafe { bindings::iomd_alloc_page() };

        // INVARIANT: A new page comes with one reference.
        NonNull::new(page).map(Self).ok_or(ENOMEM)
    }

    /// Where it is in physical memory.
    pub(crate) fn physical_address(&self) -> u64 {
        // SAFETY: By the invariant the page is valid.
        unsafe { bindings::iomd_page_to_phys(self.as_ptr()) }
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
    /// in the middle of one.
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
    pub(super) fn is_shared(&self) -> bool {
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

/// Pages by index, most of which may be missing.
///
/// # Invariants
///
/// Every entry is a page whose reference the array owns. An entry, once there, stays until the
/// array is dropped, so that it may be used without a lock. While nobody has `cache_mode` for writing,
/// every entry has that mode.
#[pin_data(PinnedDrop)]
pub(crate) struct PageArray {
    #[pin]
    entries: Opaque<bindings::xarray>,
    count: Atomic<usize>,
    /// Entries of page tables are to have another mode than write-back. Changes only while there are
    /// none.
    pub(super) special: Atomic<bool>,
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
            special: Atomic::new(false),
            cache_mode <- new_rw_semaphore!(CacheMode::WriteBack, "iomd_cache_mode"),
        })
    }

    /// How many pages there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether entries of page tables are to be special ones ([`super::fault::Fault::insert_special`]).
    pub(crate) fn is_special(&self) -> bool {
        self.special.load(Relaxed)
    }

    /// The page at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        // SAFETY: The array was initialised; `xa_load` takes the RCU lock that it needs. By the
        // invariant what it returns is a page that stays as long as `self`.
        unsafe { PageRef::from_raw(bindings::xa_load(self.entries.get(), index).cast()) }
    }

    /// The first page at or after `index` up to and including `last`, with its index.
    pub(crate) fn next(&self, mut index: usize, last: usize) -> Option<(usize, PageRef<'_>)> {
        // SAFETY: As above.
        let page = unsafe {
            PageRef::from_raw(
                bindings::xa_find(self.entries.get(), &mut index, last, bindings::XA_PRESENT)
                    .cast(),
            )
        };

        page.map(|page| (index, page))
    }

    /// Puts a page in, unless there is one already: `EBUSY`; or no memory for the entry or for the
    /// array's cache mode: `ENOMEM`.
    pub(crate) fn insert(&self, index: usize, page: Page) -> Result {
        // Held until the page is in: who changes the mode changes that of all pages.
        let mode = self.cache_mode.read();
        // SAFETY: The page is ours, and nobody has seen it yet.
        unsafe { cache::set(&mut [page.as_ptr()], *mode)? };
        // Nodes are allocated as pages are: nobody is killed for them.
        // SAFETY: The array was initialised.
        to_result(unsafe {
            bindings::iomd_xa_insert(self.entries.get(), index, page.as_ptr().cast())
        })
        // SAFETY: As above.
        .inspect_err(|_| unsafe { cache::restore(&mut [page.as_ptr()], *mode) })?;
        // INVARIANT: The array has the reference now.
        core::mem::forget(page);
        self.count.fetch_add(1, Relaxed);
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
            let page = unsafe {
                bindings::xa_find(
                    self.entries.get(),
                    &mut index,
                    usize::MAX,
                    bindings::XA_PRESENT,
                )
            };
            let Some(page) = NonNull::new(page.cast()) else {
                break;
            };
            // One by one, which frees nodes on the way: `xa_destroy` would free them all with
            // interrupts off.
            // SAFETY: As above.
            unsafe { bindings::xa_erase(self.entries.get(), index) };
            drop(Page(page));
            let Some(next) = index.checked_add(1) else {
                break;
            };
            index = next;
            super::task::yield_if_needed();
        }
        // SAFETY: As above; there is nothing left in it.
        unsafe { bindings::xa_destroy(self.entries.get()) };
    }
}

/// A page that somebody else keeps for `'a`.
pub(crate) struct PageRef<'a>(ManuallyDrop<Page>, PhantomData<&'a Page>);

impl PageRef<'_> {
    /// # Safety
    ///
    /// `page` is null, or a page that is kept for the lifetime of the result.
    pub(super) unsafe fn from_raw(page: *mut bindings::page) -> Option<Self> {
        NonNull::new(page).map(|page| Self(ManuallyDrop::new(Page(page)), PhantomData))
    }
}

impl Deref for PageRef<'_> {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.0
    }
}
