// SPDX-License-Identifier: GPL-2.0

//! A directory of debugfs, with files that list things by their numbers.
//!
//! The files of [`kernel::debugfs`] have no module as their owner: who closes one after the module
//! has gone would jump into freed memory. They also are printed as one piece, however long.
//!
//! Where the kernel has no debugfs, nothing is made, and nobody is told.
//!
//! C headers: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h),
//! [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)

#![cfg_attr(not(CONFIG_DEBUG_FS), allow(dead_code, unused_variables))]

use super::bindings;
use core::{marker::PhantomData, ptr};
use kernel::{
    ffi::{c_int, c_void},
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
};

/// What a file shows: a head, and then things by their numbers, which are not 0.
///
/// Between any two of its calls things may come and go; nothing is held meanwhile.
pub(crate) trait Listing: 'static {
    /// The smallest number above `number`.
    fn next(number: u64) -> Option<u64>;

    /// Prints what stands above all.
    fn show_head(lines: &SeqFile);

    /// Prints the thing with this number, or nothing if it has gone.
    fn show(lines: &SeqFile, number: u64);
}

/// A directory in the root of debugfs, which goes with this value, and its files with it.
///
/// # Invariants
///
/// The pointer is an entry of ours, or an error.
pub(crate) struct Directory(#[cfg(CONFIG_DEBUG_FS)] *mut bindings::dentry);

// SAFETY: An entry of debugfs belongs to no thread.
unsafe impl Send for Directory {}
// SAFETY: What adds to a directory can be called concurrently.
unsafe impl Sync for Directory {}

#[cfg(CONFIG_DEBUG_FS)]
impl Directory {
    pub(crate) fn new(name: &CStr) -> Self {
        // INVARIANT: It is new, or an error.
        // SAFETY: The name is copied; without a parent it is made in the root.
        Self(unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), ptr::null_mut()) })
    }

    /// Adds a file, which only root can read.
    pub(crate) fn list<L: Listing>(&self, name: &CStr) {
        // SAFETY: By the invariant; debugfs passes errors on. The table is static, and asks for no
        // data.
        unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                0o400,
                self.0,
                ptr::null_mut(),
                ptr::null(),
                &ListingFile::<L>::FILE,
            )
        };
    }
}

#[cfg(CONFIG_DEBUG_FS)]
impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: By the invariant; an error is passed over.
        unsafe { bindings::debugfs_remove(self.0) };
    }
}

#[cfg(not(CONFIG_DEBUG_FS))]
impl Directory {
    pub(crate) fn new(_name: &CStr) -> Self {
        Self()
    }

    pub(crate) fn list<L: Listing>(&self, _name: &CStr) {}
}

/// The operations of a file that shows an `L`.
///
/// An element of the sequence is a number plus one, as a pointer that is never followed; the head is
/// number 0. The position in the file is the number too, so that a reader goes on where he was,
/// whatever has come and gone.
struct ListingFile<L>(PhantomData<L>);

impl<L: Listing> ListingFile<L> {
    const FILE: bindings::file_operations = bindings::file_operations {
        // While it is open the module stays.
        owner: this_module::<crate::IomdModule>().as_ptr(),
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::seq_release),
        ..pin_init::zeroed()
    };

    const SEQUENCE: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    fn element(number: u64) -> *mut c_void {
        ptr::without_provenance_mut((number as usize).wrapping_add(1))
    }

    fn number(element: *mut c_void) -> u64 {
        element.addr().wrapping_sub(1) as u64
    }

    /// # Safety
    ///
    /// As the core calls it: the file is being opened and has this table.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file is new, and the operations are static.
        unsafe { bindings::seq_open(file, &Self::SEQUENCE) }
    }

    /// # Safety
    ///
    /// As seq_file calls it: `position` is valid.
    unsafe extern "C" fn start(
        _lines: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: It is valid.
        let position = unsafe { &mut *position };
        let Some(before) = position.checked_sub(1) else {
            return ptr::null_mut();
        };
        if before < 0 {
            return Self::element(0);
        }

        match L::next(before as u64) {
            Some(number) => {
                *position = number as bindings::loff_t;
                Self::element(number)
            }
            None => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// As seq_file calls it: `position` is valid, and the element is one of ours.
    unsafe extern "C" fn next(
        _lines: *mut bindings::seq_file,
        element: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        let last = Self::number(element);
        let next = L::next(last);

        // SAFETY: It is valid. It must change at the end too.
        unsafe { *position = next.unwrap_or(last.wrapping_add(1)) as bindings::loff_t };
        next.map_or(ptr::null_mut(), Self::element)
    }

    /// # Safety
    ///
    /// As seq_file calls it: `lines` is valid and nobody else's, and the element is one of ours.
    unsafe extern "C" fn show(lines: *mut bindings::seq_file, element: *mut c_void) -> c_int {
        // SAFETY: As above.
        let lines = unsafe { SeqFile::from_raw(lines) };

        match Self::number(element) {
            0 => L::show_head(lines),
            number => L::show(lines, number),
        }
        0
    }

    /// Nothing is held between calls.
    extern "C" fn stop(_lines: *mut bindings::seq_file, _element: *mut c_void) {}
}
