// SPDX-License-Identifier: GPL-2.0

//! An `address_space` of one's own: what is mapped through files of it, and nothing else, can be
//! zapped in one call.
//!
//! It is a part of the object that it belongs to, as those of gfs2's resource groups are: an inode of its
//! own would cost more than all else. The inode that it names as its host is that of all anonymous files:
//! of that the core asks the superblock, rights and times, and /proc/PID/maps shows its number. VMAs are
//! found only by way of `f_mapping` of their file, by mmap, fork, mremap, munmap and the zap. What the core
//! finds by way of an inode, or of a page's mapping, is page cache, and there is none.
//!
//! Every VMA gets an inner file, opened with the rights that the mapping has. The core's own checks on
//! `f_mode` (mprotect, remap_file_pages) then keep those rights.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    bindings,
    file::{self, Access, FileObject, FileOperations},
};
use crate::pure::range::PageRange;
use core::marker::PhantomData;
use kernel::{fs::File, prelude::*, sync::aref::ARef, types::Opaque};

/// All VMAs that show one thing.
///
/// # Invariants
///
/// Every VMA in it has a file whose object it was borrowed from, and which so keeps it.
#[pin_data]
pub(crate) struct Mappings {
    #[pin]
    address_space: Opaque<bindings::address_space>,
}

// SAFETY: It belongs to no thread.
unsafe impl Send for Mappings {}
// SAFETY: It has locks of its own.
unsafe impl Sync for Mappings {}

/// An object whose VMAs are among some [`Mappings`].
pub(crate) trait MappedObject: FileObject {
    /// Those.
    fn mappings(&self) -> &Mappings;
}

/// A file that VMAs have, and no file descriptor.
///
/// # Invariants
///
/// `file` owns a `T`.
pub(crate) struct InnerFile<T> {
    file: ARef<File>,
    _type: PhantomData<T>,
}

impl Mappings {
    /// None yet.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Nobody is in it.
            // SAFETY: `slot` is valid for the call and pinned from then on.
            address_space <- Opaque::ffi_init(|slot| unsafe {
                bindings::iomd_mapping_init(slot)
            }),
        })
    }

    /// Takes every page-table entry of all VMAs for these pages away, in every task.
    ///
    /// When it returns no CPU can reach a page through an entry that was there at the call; whoever
    /// must not put new ones in has to be kept from it by the caller (`unmap_mapping_pages()`).
    #[inline]
    pub(crate) fn zap(&self, range: PageRange) {
        // SAFETY: It was initialised.
        unsafe {
            bindings::unmap_mapping_pages(
                self.address_space.get(),
                range.start(),
                range.pages(),
                true,
            )
        };
    }
}

impl<T: MappedObject> InnerFile<T> {
    /// Opens a file that owns `object`; /proc/PID/maps shows `name`.
    ///
    /// `ENFILE`, `ENOMEM`.
    pub(crate) fn open(name: &CStr, object: T, access: Access) -> Result<Self> {
        let file = file::open_as::<T, _>(name, object, access)?;
        let raw = file::as_raw(&file);

        // The object stays where it is and is lent to all, until the file's release drops it. So what is
        // borrowed from it is there until then; and a VMA keeps its file until it has left the mapping,
        // which is not looked at after the release.
        // SAFETY: The file is new, is anonymous, and owns a `T`. The mapping was initialised, and
        // outlives its use by the file as said.
        unsafe {
            let mappings = FileOperations::<T>::object(raw).mappings();

            bindings::iomd_file_set_mapping(raw, mappings.address_space.get());
        }
        // INVARIANT: It was made with `T`'s table.
        Ok(Self {
            file,
            _type: PhantomData,
        })
    }

    pub(crate) fn object(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { FileOperations::object(self.as_raw()) }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::file {
        file::as_raw(&self.file)
    }
}
