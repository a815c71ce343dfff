// SPDX-License-Identifier: GPL-2.0

//! Ranges of physical memory that the kernel does not use itself: memory of devices, and what was taken
//! out of its hands when it booted (`memmap=`).
//!
//! The kernel's list of physical memory (/proc/iomem) says what it uses: RAM is there as "System RAM",
//! and a driver puts its claim there, "busy", on what it takes. So a range is claimed as a driver does
//! it, and as long as it is nobody else can. It is also mapped into the kernel, uncached. That is where
//! the kernel notes the cache mode which entries of user space are made with.
//!
//! C headers: [`include/linux/ioport.h`](srctree/include/linux/ioport.h),
//! [`asm/io.h`](srctree/arch/x86/include/asm/io.h)

use super::bindings;
use core::{ffi::c_void, ptr::NonNull};
use kernel::{error::to_result, page::PAGE_SIZE, prelude::*, sync::Arc};

/// `EPERM` if the kernel is locked down, so that not even root may reach physical memory.
pub(crate) fn check_lockdown() -> Result {
    // SAFETY: There is always a current task.
    to_result(unsafe { bindings::iomd_locked_down() })
}

/// A claimed range of physical memory.
///
/// # Invariants
///
/// `length` bytes from `start` on are whole pages, at least one, and none of RAM. They are claimed for
/// `self`, and mapped at `mapping`.
pub(crate) struct PhysicalRange {
    start: u64,
    length: usize,
    mapping: NonNull<c_void>,
}

// SAFETY: Claim and mapping belong to no thread.
unsafe impl Send for PhysicalRange {}
// SAFETY: It is memory that anyone may read and write at any time.
unsafe impl Sync for PhysicalRange {}

impl PhysicalRange {
    /// Claims `pages` pages from `start` on, where a page begins.
    ///
    /// `EBUSY` if some of it is RAM, claimed by a driver or for another range, or beyond what the
    /// processor can address; `ENOMEM`.
    pub(crate) fn claim(start: usize, pages: usize) -> Result<Self> {
        let start = start as u64;
        let length = pages
            .checked_mul(PAGE_SIZE)
            .filter(|&length| length != 0)
            .ok_or(EBUSY)?;

        // SAFETY: Any range can be asked for.
        if unsafe { bindings::iomd_overlaps_ram(start, length) } {
            return Err(EBUSY);
        }
        // RAM that is added later claims its place too, so that this holds as long as the claim.
        // SAFETY: As above.
        if unsafe { bindings::iomd_request_mem_region(start, length) }.is_null() {
            return Err(EBUSY);
        }
        // SAFETY: The range is ours, and not RAM.
        let mapping = NonNull::new(unsafe { bindings::ioremap(start, length) });
        let Some(mapping) = mapping else {
            // SAFETY: It was claimed above.
            unsafe { bindings::iomd_release_mem_region(start, length) };
            return Err(ENOMEM);
        };
        // INVARIANT: As established above.
        Ok(Self {
            start,
            length,
            mapping,
        })
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        self.length / PAGE_SIZE
    }

    /// The physical address of the page at `index`; `None` beyond the end.
    pub(crate) fn address(&self, index: usize) -> Option<u64> {
        self.start.checked_add(self.offset(index)? as u64)
    }

    /// The page at `index`; `None` beyond the end.
    pub(crate) fn page(this: &Arc<Self>, index: usize) -> Option<DevicePage> {
        // INVARIANT: It is inside.
        Some(DevicePage {
            offset: this.offset(index)?,
            range: this.clone(),
        })
    }

    /// Where the kernel has the page at `index`; `None` beyond the end.
    pub(super) fn page_start(&self, index: usize) -> Option<*mut c_void> {
        let offset = self.offset(index)?;

        Some(self.mapping.as_ptr().wrapping_byte_add(offset))
    }

    fn offset(&self, index: usize) -> Option<usize> {
        index
            .checked_mul(PAGE_SIZE)
            .filter(|&offset| offset < self.length)
    }
}

impl Drop for PhysicalRange {
    fn drop(&mut self) {
        // SAFETY: By the invariant both are ours, and no page table has an entry of it any more.
        unsafe {
            bindings::iounmap(self.mapping.as_ptr());
            bindings::iomd_release_mem_region(self.start, self.length);
        }
    }
}

/// A page of physical memory that the kernel does not manage.
///
/// # Invariants
///
/// It is at `offset` of the range, which has all of it.
pub(crate) struct DevicePage {
    range: Arc<PhysicalRange>,
    offset: usize,
}

impl DevicePage {
    /// Where the kernel has `length` bytes from `offset` on; `None` if they are not all inside.
    pub(super) fn at(&self, offset: usize, length: usize) -> Option<*mut c_void> {
        if offset.checked_add(length)? > PAGE_SIZE {
            return None;
        }
        let page = self.range.mapping.as_ptr().wrapping_byte_add(self.offset);

        Some(page.wrapping_byte_add(offset))
    }
}
