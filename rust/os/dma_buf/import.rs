// SPDX-License-Identifier: GPL-2.0

//! dma-bufs of others.
//!
//! An importer may not look at the pages behind the list that an exporter maps for its device, and
//! what an exporter maps into a VMA nobody else can take out of it. What is left is the address at
//! which an exporter shows its memory to the kernel: as long as it is valid, the memory behind it is
//! where it is, so that its pages can be read off the kernel's own page tables.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)

use super::super::{bindings, file::Access, pages::PageRef, task};
use crate::pure::range::PageRange;
use core::ptr::NonNull;
use kernel::{
    error::{from_err_ptr, to_result},
    module::this_module,
    page::PAGE_SIZE,
    prelude::*,
};

/// A reference to a dma-buf.
///
/// # Invariants
///
/// The reference is ours.
pub(crate) struct DmaBuf(NonNull<bindings::dma_buf>);

// SAFETY: A dma-buf belongs to no thread.
unsafe impl Send for DmaBuf {}
// SAFETY: What is called with one shared takes the locks that it needs.
unsafe impl Sync for DmaBuf {}

impl DmaBuf {
    /// The dma-buf of one of the caller's file descriptors. `EBADF` if it is not open, `EINVAL` if it
    /// is something else.
    pub(crate) fn get(fd: i32) -> Result<Self> {
        // SAFETY: It checks the number.
        let dma_buf = from_err_ptr(unsafe { bindings::dma_buf_get(fd) })?;

        // INVARIANT: `dma_buf_get` gives a reference.
        NonNull::new(dma_buf).map(Self).ok_or(EINVAL)
    }

    /// The bytes in its whole pages.
    pub(crate) fn length(&self) -> u64 {
        // SAFETY: By the invariant; it never changes.
        let size = unsafe { (*self.0.as_ptr()).size };

        (size - size % PAGE_SIZE) as u64
    }

    /// What its file descriptor may do.
    pub(crate) fn access(&self) -> Access {
        // SAFETY: By the invariant; a dma-buf keeps its file.
        if unsafe { bindings::iomd_file_writable((*self.0.as_ptr()).file) } {
            Access::ReadWrite
        } else {
            Access::Read
        }
    }

    /// Whether it is one of [`mod@super::export`].
    fn is_ours(&self) -> bool {
        let module = this_module::<crate::IomdModule>().as_ptr();

        // SAFETY: By the invariant; it never changes.
        core::ptr::eq(unsafe { (*self.0.as_ptr()).owner }, module)
    }

    /// Whether programs may map it, and the kernel may.
    fn is_mappable(&self) -> bool {
        // SAFETY: By the invariant; a dma-buf keeps its table.
        unsafe {
            let operations = (*self.0.as_ptr()).ops;

            (*operations).mmap.is_some() && (*operations).vmap.is_some()
        }
    }
}

impl Drop for DmaBuf {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::dma_buf_put(self.0.as_ptr()) };
    }
}

/// The kernel's address of a dma-buf's memory.
struct Address {
    dma_buf: DmaBuf,
    map: bindings::iosys_map,
}

// SAFETY: An address of the kernel belongs to no thread.
unsafe impl Send for Address {}
// SAFETY: Nobody writes it.
unsafe impl Sync for Address {}

impl Address {
    /// Keeps the memory where it is. What the exporter says.
    fn new(dma_buf: DmaBuf) -> Result<Self> {
        let mut map = pin_init::zeroed();
        // SAFETY: The dma-buf is valid, and nobody holds its reservation here.
        to_result(unsafe { bindings::dma_buf_vmap_unlocked(dma_buf.0.as_ptr(), &mut map) })?;

        Ok(Self { dma_buf, map })
    }

    fn as_raw(&self) -> *mut bindings::dma_buf {
        self.dma_buf.0.as_ptr()
    }

    /// The page at `index`, which must be inside, if it is ordinary memory that is cached.
    fn page(&self, index: usize) -> Option<NonNull<bindings::page>> {
        if self.map.is_iomem {
            return None;
        }
        // SAFETY: Both members of the union are pointers.
        let start = unsafe { self.map.__bindgen_anon_1.vaddr } as usize;
        let address = start.checked_add(index.checked_mul(PAGE_SIZE)?)?;
        if address % PAGE_SIZE != 0 {
            return None;
        }
        // SAFETY: The kernel's page tables have the address, as long as `self` is there.
        NonNull::new(unsafe { bindings::iomd_ordinary_page(address) })
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // SAFETY: `new` got it, and it is not used any more.
        unsafe { bindings::dma_buf_vunmap_unlocked(self.as_raw(), &mut self.map) };
    }
}

/// Pages of a dma-buf, which stay where they are as long as this is there. Processors see what
/// devices had written when it was made, and devices what processors have when it goes.
///
/// # Invariants
///
/// The pages are behind the address, and accesses have begun.
pub(crate) struct Held {
    pages: KVVec<NonNull<bindings::page>>,
    address: Address,
    direction: bindings::dma_data_direction,
}

// SAFETY: The pages are the dma-buf's.
unsafe impl Send for Held {}
// SAFETY: As above.
unsafe impl Sync for Held {}

impl DmaBuf {
    /// Holds pages that are inside. Waits for devices that use them.
    ///
    /// `EOPNOTSUPP` if the dma-buf is one of ours, if processors may not map it, or if what it has
    /// is not ordinary memory that is cached; `EINTR` if a signal comes; `ENOMEM`; what the exporter
    /// says.
    pub(crate) fn hold(self, range: PageRange) -> Result<Held> {
        if self.is_ours() || !self.is_mappable() {
            return Err(EOPNOTSUPP);
        }
        let direction = if self.access().is_writable() {
            bindings::dma_data_direction::DMA_BIDIRECTIONAL
        } else {
            bindings::dma_data_direction::DMA_FROM_DEVICE
        };
        let mut pages = KVVec::with_capacity(range.pages(), GFP_KERNEL_ACCOUNT)?;
        let address = Address::new(self)?;
        for index in range.start()..=range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            pages.push(address.page(index).ok_or(EOPNOTSUPP)?, GFP_KERNEL)?;
            task::yield_if_needed();
        }
        // SAFETY: The dma-buf is valid, and nobody holds its reservation here.
        to_result(unsafe { bindings::dma_buf_begin_cpu_access(address.as_raw(), direction) })?;

        // INVARIANT: As just done.
        Ok(Held {
            pages,
            address,
            direction,
        })
    }
}

impl Held {
    /// How many pages there are.
    pub(crate) fn count(&self) -> usize {
        self.pages.len()
    }

    /// The page at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        let page = self.pages.get(index)?;

        // SAFETY: By the invariant the page is there as long as `self`.
        unsafe { PageRef::from_raw(page.as_ptr()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What goes wrong the exporter knows; there is nobody to tell.
        // SAFETY: By the invariant.
        unsafe { bindings::dma_buf_end_cpu_access(self.address.as_raw(), self.direction) };
    }
}
