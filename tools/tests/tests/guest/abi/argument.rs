// SPDX-License-Identifier: MIT OR Apache-2.0

//! The argument of a call as bytes, so that any of them can be wrong.

use std::slice;

use iomd::Errno;
use rustix::mm::MprotectFlags;

use crate::support::{PAGE, Region};

/// What a call is given: a structure of the ABI, or less of one, or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument(Vec<u8>);

impl Argument {
    /// A structure of the ABI; its first member becomes its size.
    pub fn of<T: Copy>(structure: T) -> Self {
        let start = (&raw const structure).cast();
        // SAFETY: the structures of the ABI have no implicit padding, so that all bytes have values.
        let bytes = unsafe { slice::from_raw_parts(start, size_of::<T>()) };
        let mut argument = Self(bytes.to_vec());
        argument.set(0, argument.0.len() as u32);
        argument
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The member of 32 bits there.
    pub fn get(&self, offset: usize) -> u32 {
        u32::from_ne_bytes(self.0[offset..offset + 4].try_into().expect("four bytes"))
    }

    pub fn set(&mut self, offset: usize, value: u32) {
        self.0[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// The same, but for that member.
    pub fn with(&self, offset: usize, value: u32) -> Self {
        let mut changed = self.clone();
        changed.set(offset, value);
        changed
    }

    /// The same, but as long: cut off, or with zeros after it.
    pub fn resized(&self, length: usize) -> Self {
        let mut bytes = self.0.clone();
        bytes.resize(length, 0);
        Self(bytes)
    }

    /// The same, but for the byte there.
    pub fn with_byte(&self, offset: usize, byte: u8) -> Self {
        let mut changed = self.clone();
        changed.0[offset] = byte;
        changed
    }
}

const PAGES: usize = 3;

/// Memory for arguments, between addresses where nothing is.
///
/// They lie at its end, so that a byte too much read or written is an error.
pub struct Memory {
    reserved: Region,
    pages: Region,
}

impl Memory {
    pub fn new() -> Self {
        let reserved = Region::reserve(PAGES + 2);
        let pages = reserved.pages(1..PAGES + 1);
        pages.protect(MprotectFlags::READ | MprotectFlags::WRITE).expect("it is ours");
        Self { reserved, pages }
    }

    /// Puts an argument at the end; its address.
    pub fn put(&self, argument: &Argument) -> usize {
        self.put_before(self.pages.len(), argument)
    }

    /// Puts an argument so that its last `beyond` bytes are in the last page.
    pub fn put_across(&self, argument: &Argument, beyond: usize) -> usize {
        self.put_before((PAGES - 1) * PAGE + beyond, argument)
    }

    fn put_before(&self, end: usize, argument: &Argument) -> usize {
        let start = end - argument.len();
        self.pages.write_bytes(start, argument.bytes());
        self.pages.address() + start
    }

    /// What the argument that was put at that address is now.
    pub fn take(&self, address: usize, length: usize) -> Argument {
        Argument(self.pages.read_bytes(address - self.pages.address(), length))
    }

    /// From here on nobody may write the last page, or nobody any.
    pub fn make_read_only(&self, all: bool) {
        let pages = if all { 0..PAGES } else { PAGES - 1..PAGES };
        self.pages.pages(pages).protect(MprotectFlags::READ).expect("it is ours");
    }

    /// From here on nobody may touch the last page.
    pub fn make_unreachable(&self) {
        let last = self.pages.pages(PAGES - 1..PAGES);
        last.protect(MprotectFlags::empty()).expect("it is ours");
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let unmapped: Result<(), Errno> = self.reserved.unmap();
        assert_eq!(unmapped, Ok(()));
    }
}
