// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory by its address, to be treated in every way that the kernel allows.

use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::ptr;

use iomd::{Errno, Mapping};
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags, madvise, mmap, mmap_anonymous,
    mprotect, mremap, mremap_fixed, munmap,
};

use rustix::process::getpid;

use super::{PAGE, proc};

/// Addresses at which no Rust object lives: a leaked mapping, or where one was. Nothing of Rust's
/// can break by what happens there. Who touches what is not mapped dies of it, and is a child, for
/// whom that is the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    address: usize,
    length: usize,
}

impl From<Mapping> for Region {
    fn from(mapping: Mapping) -> Self {
        let length = mapping.len();
        Self { address: mapping.leak().expose_provenance(), length }
    }
}

impl From<&Mapping> for Region {
    fn from(mapping: &Mapping) -> Self {
        Self { address: mapping.as_ptr().expose_provenance(), length: mapping.len() }
    }
}

impl Region {
    /// What somebody else has mapped for this process there.
    pub fn at(address: usize, length: usize) -> Self {
        Self { address, length }
    }

    /// Reserves addresses that stay inaccessible.
    pub fn reserve(pages: usize) -> Self {
        Self::anonymous(None, pages * PAGE, ProtFlags::empty()).expect("there is room")
    }

    /// mmap(2) of so many bytes of a file from that offset on, anywhere.
    pub fn map(
        file: impl AsFd,
        offset: u64,
        length: usize,
        rights: ProtFlags,
        flags: MapFlags,
    ) -> Result<Self, Errno> {
        assert!(!flags.contains(MapFlags::FIXED), "it would replace what is there");
        // SAFETY: nothing that is mapped is replaced.
        let address = unsafe { mmap(ptr::null_mut(), length, rights, flags, file, offset) }?;
        Ok(Self { address: address.expose_provenance(), length })
    }

    /// Unmaps all that tests of this process have left mapped of iomd's memory.
    pub fn unmap_all() {
        for mapping in proc::mappings(getpid()) {
            if mapping.name.contains("[iomd") {
                let Range { start, end } = mapping.addresses;
                Self { address: start, length: end - start }.unmap().expect("it is mapped");
            }
        }
    }

    /// Maps fresh private memory here, where nothing may be mapped.
    pub fn fill(self) -> Result<(), Errno> {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        Self::anonymous(Some(self.address), self.length, rights).map(drop)
    }

    pub fn address(self) -> usize {
        self.address
    }

    pub fn len(self) -> usize {
        self.length
    }

    pub fn as_ptr(self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.address)
    }

    /// Some of its pages.
    pub fn pages(self, pages: Range<usize>) -> Self {
        assert!(pages.end * PAGE <= self.length);
        Self { address: self.address + pages.start * PAGE, length: pages.len() * PAGE }
    }

    pub fn read(self, offset: usize) -> u64 {
        // SAFETY: see the type.
        unsafe { self.word(offset).read_volatile() }
    }

    pub fn write(self, offset: usize, value: u64) {
        // SAFETY: see the type.
        unsafe { self.word(offset).write_volatile(value) }
    }

    pub fn read_bytes(self, offset: usize, length: usize) -> Vec<u8> {
        // SAFETY: see the type.
        (offset..offset + length).map(|at| unsafe { self.byte(at).read_volatile() }).collect()
    }

    pub fn write_bytes(self, offset: usize, bytes: &[u8]) {
        for (at, &byte) in (offset..).zip(bytes) {
            // SAFETY: see the type.
            unsafe { self.byte(at).write_volatile(byte) }
        }
    }

    /// Many bytes at once.
    pub fn copy_out(self, offset: usize, length: usize) -> Vec<u8> {
        assert!(offset + length <= self.length);
        let mut bytes = vec![0; length];
        let from = ptr::with_exposed_provenance::<u8>(self.address + offset);
        // SAFETY: see the type; a vector is no region.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), length) };
        bytes
    }

    /// Many bytes at once.
    pub fn copy_in(self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.length);
        let to = ptr::with_exposed_provenance_mut::<u8>(self.address + offset);
        // SAFETY: see the type; a slice is no region.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    pub fn unmap(self) -> Result<(), Errno> {
        // SAFETY: see the type.
        unsafe { munmap(self.as_ptr(), self.length) }
    }

    pub fn protect(self, rights: MprotectFlags) -> Result<(), Errno> {
        // SAFETY: see the type.
        unsafe { mprotect(self.as_ptr(), self.length, rights) }
    }

    pub fn advise(self, advice: Advice) -> Result<(), Errno> {
        // SAFETY: see the type.
        unsafe { madvise(self.as_ptr(), self.length, advice) }
    }

    /// mremap(2) to where `place` is, or wherever it has to go.
    pub fn remap(
        self,
        length: usize,
        flags: MremapFlags,
        place: Option<Self>,
    ) -> Result<Self, Errno> {
        let moved = match place {
            // SAFETY: see the type; what is at the place is a region too.
            Some(to) => unsafe {
                mremap_fixed(self.as_ptr(), self.length, length, flags, to.as_ptr())
            },
            // SAFETY: see the type.
            None => unsafe { mremap(self.as_ptr(), self.length, length, flags) },
        };
        Ok(Self { address: moved?.expose_provenance(), length })
    }

    /// Moves it to other addresses.
    pub fn moved(self) -> Self {
        let place = Self::reserve(self.length / PAGE);
        self.remap(self.length, MremapFlags::MAYMOVE, Some(place)).expect("it can be moved")
    }

    /// remap_file_pages(2): shows the pages of the object behind it from that one on.
    pub fn show_file_pages(self, first: usize) -> Result<(), Errno> {
        // SAFETY: see the type.
        let shown = unsafe {
            libc::syscall(libc::SYS_remap_file_pages, self.address, self.length, 0, first, 0)
        };
        if shown == 0 { Ok(()) } else { Err(last_errno()) }
    }

    fn word(self, offset: usize) -> *mut u64 {
        assert!(offset % 8 == 0 && offset + 8 <= self.length);
        ptr::with_exposed_provenance_mut(self.address + offset)
    }

    fn byte(self, offset: usize) -> *mut u8 {
        assert!(offset < self.length);
        ptr::with_exposed_provenance_mut(self.address + offset)
    }

    fn anonymous(address: Option<usize>, length: usize, rights: ProtFlags) -> Result<Self, Errno> {
        let placed = if address.is_some() { MapFlags::FIXED_NOREPLACE } else { MapFlags::empty() };
        let hint = ptr::without_provenance_mut(address.unwrap_or(0));
        let flags = MapFlags::PRIVATE | placed;
        // SAFETY: nothing that is mapped is replaced.
        let address = unsafe { mmap_anonymous(hint, length, rights, flags) }?;
        Ok(Self { address: address.expose_provenance(), length })
    }
}

/// What the last call into the C library failed with.
pub fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).expect("a number of the system's")
}
