// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is mapped into this process, whatever it is of.

use std::ffi::c_void;
use std::os::fd::AsFd;
use std::ptr;

use anyhow::Result;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Pages of a region that one page-table entry of the next level is for.
const ALIGNMENT: usize = 512;

const RIGHTS: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// A mapping, unmapped on drop. It begins where a page table does.
#[derive(Debug)]
pub struct Region {
    start: *mut u8,
    pages: usize,
    /// What was reserved for it.
    reserved: (*mut c_void, usize),
}

// SAFETY: memory belongs to the process and not to a thread.
unsafe impl Send for Region {}
// SAFETY: it is reached by volatile accesses of whole words only.
unsafe impl Sync for Region {}

impl Region {
    /// Maps the first pages of a file.
    pub fn of(file: impl AsFd, pages: usize) -> Result<Self> {
        let region = Self::anonymous(pages)?;
        region.show(file)?;
        Ok(region)
    }

    /// Maps fresh memory.
    pub fn anonymous(pages: usize) -> Result<Self> {
        let length = (pages + ALIGNMENT) * PAGE;
        // SAFETY: the mapping is new.
        let reserved = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                length,
                RIGHTS,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )?
        };
        let before = reserved.cast::<u8>().align_offset(ALIGNMENT * PAGE);
        let start = reserved.cast::<u8>().wrapping_add(before);
        Ok(Self { start, pages, reserved: (reserved, length) })
    }

    /// Shows a file instead, from its start.
    pub fn show(&self, file: impl AsFd) -> Result<()> {
        // SAFETY: what is replaced is this region's own, and nothing borrows from it.
        unsafe {
            mmap(
                self.address(),
                self.length(),
                RIGHTS,
                MapFlags::SHARED | MapFlags::FIXED,
                file,
                0,
            )?
        };
        Ok(())
    }

    /// Where it is.
    pub fn address(&self) -> *mut c_void {
        self.start.cast()
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.pages * PAGE
    }

    /// Writes to each page.
    pub fn write(&self, value: u64) {
        self.write_every(1, value);
    }

    /// Writes to one of so many pages.
    pub fn write_every(&self, stride: usize, value: u64) {
        for page in (0..self.pages).step_by(stride) {
            self.write_page(page, value);
        }
    }

    /// Writes to a page.
    pub fn write_page(&self, page: usize, value: u64) {
        assert!(page < self.pages);
        let word = self.start.wrapping_add(page * PAGE).cast::<u64>();
        // SAFETY: the page is inside, and mapped for writing.
        unsafe { word.write_volatile(value) };
    }

    /// Reads from each page.
    pub fn read(&self) {
        for page in 0..self.pages {
            self.read_page(page);
        }
    }

    /// Reads from a page.
    pub fn read_page(&self, page: usize) -> u64 {
        assert!(page < self.pages);
        let word = self.start.wrapping_add(page * PAGE).cast::<u64>();
        // SAFETY: the page is inside, and mapped.
        unsafe { word.read_volatile() }
    }

    /// madvise(2) for all of it.
    pub fn advise(&self, advice: Advice) -> Result<()> {
        // SAFETY: the memory is this region's own; what it has in it is of no interest.
        unsafe { madvise(self.address(), self.length(), advice)? };
        Ok(())
    }

    /// madvise(2) for a page.
    pub fn advise_page(&self, page: usize, advice: Advice) -> Result<()> {
        assert!(page < self.pages);
        // SAFETY: as above.
        unsafe { madvise(self.start.wrapping_add(page * PAGE).cast(), PAGE, advice)? };
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let (start, length) = self.reserved;
        // SAFETY: it is this region's own, and nothing borrows from it.
        let unmapped = unsafe { munmap(start, length) };
        debug_assert!(unmapped.is_ok(), "munmap: {unmapped:?}");
    }
}
