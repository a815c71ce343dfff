// SPDX-License-Identifier: GPL-2.0

//! A page as the kernel itself reaches it: through its own mapping of all memory, which has the cache
//! mode that the page has everywhere; or, of a device, through that of the range.
//!
//! C header: [`include/linux/highmem.h`](srctree/include/linux/highmem.h)

use super::{
    bindings,
    pages::{Page, PageRef},
    physical::PhysicalRange,
};
use crate::pure::width::Width;
use core::{ffi::c_void, marker::PhantomData};
use kernel::{
    page::PAGE_SIZE,
    sync::barrier::{mb, Full},
    types::NotThreadSafe,
};

/// A page in the kernel's address space, for moments. No reference to the bytes is ever made: others
/// change them meanwhile.
///
/// # Invariants
///
/// A page's bytes are at `start`, and the page is kept for `'a`: either one that `kmap_local_page()`
/// has mapped there for the current task, or one of a device.
pub(crate) struct LocalMapping<'a> {
    start: *mut c_void,
    is_device: bool,
    _page: PhantomData<(&'a Page, NotThreadSafe)>,
}

impl<'a> PageRef<'a> {
    /// The page as the kernel reaches it. Several are dropped in the reverse order.
    pub(crate) fn into_local_mapping(self) -> LocalMapping<'a> {
        // SAFETY: The page is kept for `'a`.
        unsafe { LocalMapping::from_raw(self.as_ptr()) }
    }
}

impl PhysicalRange {
    /// The page at `index` as the kernel reaches it; `None` beyond the end.
    pub(crate) fn local_mapping(&self, index: usize) -> Option<LocalMapping<'_>> {
        // INVARIANT: The range has the page, and is kept.
        Some(LocalMapping {
            start: self.page_start(index)?,
            is_device: true,
            _page: PhantomData,
        })
    }
}

impl LocalMapping<'_> {
    /// # Safety
    ///
    /// The page is valid as long as the result is there.
    pub(super) unsafe fn from_raw(page: *mut bindings::page) -> Self {
        // INVARIANT: As required.
        Self {
            // SAFETY: As required.
            start: unsafe { bindings::kmap_local_page(page) },
            is_device: false,
            _page: PhantomData,
        }
    }

    /// Where `length` bytes from `offset` on are; `None` if they are not inside.
    fn at(&self, offset: usize, length: usize) -> Option<*mut c_void> {
        if offset.checked_add(length)? > PAGE_SIZE {
            return None;
        }
        Some(self.start.wrapping_byte_add(offset))
    }

    /// Copies bytes from `offset` on, as many as fit and are there; says how many.
    pub(crate) fn read_bytes(&self, offset: usize, to: &mut [u8]) -> usize {
        let length = to.len().min(PAGE_SIZE.saturating_sub(offset));

        if let Some(from) = self.at(offset, length) {
            let to = to.as_mut_ptr().cast();
            // SAFETY: Both are valid for so many bytes; C copies what others may change.
            unsafe {
                if self.is_device {
                    bindings::memcpy_fromio(to, from, length);
                } else {
                    bindings::iomd_memcpy(to, from, length);
                }
            }
        }
        length
    }

    /// Copies bytes to `offset`, as many as there is room for; says how many.
    pub(crate) fn write_bytes(&self, offset: usize, from: &[u8]) -> usize {
        let length = from.len().min(PAGE_SIZE.saturating_sub(offset));

        if let Some(to) = self.at(offset, length) {
            let from = from.as_ptr().cast();
            // SAFETY: As above.
            unsafe {
                if self.is_device {
                    bindings::memcpy_toio(to, from, length);
                } else {
                    bindings::iomd_memcpy(to, from, length);
                }
            }
        }
        length
    }

    /// Reads a value by one instruction, aligned or not. `None` if it is not all inside.
    pub(crate) fn read(&self, offset: usize, width: Width) -> Option<u64> {
        let from = self.at(offset, width.bytes())?;

        // SAFETY: It is valid for so many bytes. These are made for memory of devices, and so are one
        // access each.
        Some(unsafe {
            match width {
                Width::W8 => bindings::readb(from).into(),
                Width::W16 => bindings::readw(from).into(),
                Width::W32 => bindings::readl(from).into(),
                Width::W64 => bindings::readq(from),
            }
        })
    }

    /// Writes the low bits of a value by one instruction, aligned or not. `None` if they are not all
    /// inside.
    pub(crate) fn write(&self, offset: usize, width: Width, value: u64) -> Option<()> {
        let to = self.at(offset, width.bytes())?;

        // SAFETY: As above.
        unsafe {
            match width {
                Width::W8 => bindings::writeb(value as u8, to),
                Width::W16 => bindings::writew(value as u16, to),
                Width::W32 => bindings::writel(value as u32, to),
                Width::W64 => bindings::writeq(value, to),
            }
        }
        Some(())
    }

    /// Writes the cache lines that have some of these bytes to memory, if they are modified, and
    /// drops them from all caches. A device's are in none.
    pub(crate) fn flush(&self, offset: usize, length: usize) {
        if let Some(start) = self.at(offset, length).filter(|_| !self.is_device) {
            // SAFETY: It is valid for so many bytes, which are at most a page.
            unsafe { bindings::clflush_cache_range(start, length as u32) };
        }
    }

    /// Writes the cache lines that have some of these bytes to memory, if they are modified. They
    /// may stay in caches. A device's are in none.
    pub(crate) fn store(&self, offset: usize, length: usize) {
        if let Some(start) = self.at(offset, length).filter(|_| !self.is_device) {
            // SAFETY: As above.
            unsafe { bindings::arch_wb_cache_pmem(start, length) };
            // Done when it returns, not some time later.
            mb(Full);
        }
    }
}

impl Drop for LocalMapping<'_> {
    fn drop(&mut self) {
        if !self.is_device {
            // SAFETY: By the invariant.
            unsafe { bindings::kunmap_local(self.start) };
        }
    }
}
