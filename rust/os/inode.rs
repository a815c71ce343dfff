// SPDX-License-Identifier: GPL-2.0

//! An inode of one's own, and so an `address_space` of one's own: what is mapped through files of
//! it, and nothing else, can be zapped in one call.
//!
//! Every VMA gets an inner file of the inode, opened with the rights that the mapping has. The
//! core's own checks on `f_mode` (mprotect, remap_file_pages) then keep those rights.

use super::{
    bindings,
    file::{self, Access, FileObject, FileOperations},
};
use crate::pure::range::PageRange;
use core::marker::PhantomData;
use kernel::{error::from_err_ptr, fs::File, prelude::*, sync::aref::ARef};

/// An anonymous inode without a name.
pub(crate) struct Inode {
    // Keeps inode and mount alive; nobody else ever has this file.
    anchor: ARef<File>,
}

/// A file of an [`Inode`].
///
/// # Invariants
///
/// `file` owns a `T`.
pub(crate) struct InnerFile<T> {
    pub(super) file: ARef<File>,
    _type: PhantomData<T>,
}

/// The file that an [`Inode`] is made with can do nothing.
struct Anchor;

impl FileObject for Anchor {
    const NAME: &'static CStr = c"[iomd]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<Anchor> = FileOperations::new();
        &OPERATIONS
    }
}

impl Inode {
    /// `ENFILE`, `ENOMEM`, or what the security module says.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The name and the table are static; an `Anchor` has no data.
        let anchor = from_err_ptr(unsafe {
            bindings::anon_inode_create_getfile(
                Anchor::NAME.as_char_ptr(),
                Anchor::operations().as_raw(),
                kernel::types::ForeignOwnable::into_foreign(KBox::new(Anchor, GFP_KERNEL)?),
                Access::ReadWrite.open_flags(),
                core::ptr::null(),
            )
        })?;

        Ok(Self {
            // SAFETY: The one reference to a new file is ours.
            anchor: unsafe { file::own(anchor) },
        })
    }

    /// Whether the current task has the very credentials with which the inode was made. They never change: a
    /// task that gains or loses a right gets others. What a security module makes of them can.
    pub(crate) fn has_current_credentials(&self) -> bool {
        // SAFETY: There is always a current task, and nobody else changes its credentials. The anchor is
        // open, and so keeps its own.
        unsafe { (*bindings::get_current()).cred == (*self.anchor.as_ptr()).f_cred }
    }

    /// Opens an inner file that owns `object`; /proc/PID/maps shows `name`.
    ///
    /// `ENFILE`, `ENOMEM`.
    pub(crate) fn open<T: FileObject>(
        &self,
        name: &CStr,
        object: T,
        access: Access,
    ) -> Result<InnerFile<T>> {
        let object = KBox::new(object, GFP_KERNEL)?;
        let anchor = self.anchor.as_ptr();
        let operations = T::operations().as_raw();

        // SAFETY: The module is alive: its code is running. `__fput` puts the module of a file's
        // table, so that each file needs a reference.
        unsafe { bindings::__module_get((*operations).owner) };
        // SAFETY: The anchor is open, so its inode and mount are valid; the new file gets the
        // reference to the inode. The table is static, and the name is copied.
        let file = from_err_ptr(unsafe {
            let inode = bindings::iomd_file_inode(anchor);

            bindings::ihold(inode);
            bindings::alloc_file_pseudo(
                inode,
                (*anchor).__bindgen_anon_1.f_path.mnt,
                name.as_char_ptr(),
                access.open_flags(),
                operations,
            )
        })
        .inspect_err(|_| {
            // SAFETY: No file was made, so both references are still ours.
            unsafe {
                bindings::iput(bindings::iomd_file_inode(anchor));
                bindings::module_put((*operations).owner);
            }
        })?;

        // SAFETY: Nobody else has the file yet, and its table takes a `KBox<T>`.
        unsafe { (*file).private_data = kernel::types::ForeignOwnable::into_foreign(object) };
        // INVARIANT: It was made with `T`'s table.
        Ok(InnerFile {
            // SAFETY: The one reference to a new file is ours.
            file: unsafe { file::own(file) },
            _type: PhantomData,
        })
    }

    /// Takes every page-table entry of every mapping of these pages of the inode away, in every
    /// task.
    ///
    /// When it returns no CPU can reach a page through an entry that was there at the call; whoever
    /// must not put new ones in has to be kept from it by the caller (`unmap_mapping_pages()`).
    #[inline]
    pub(crate) fn zap(&self, range: PageRange) {
        // SAFETY: The anchor's mapping lives as long as its inode.
        unsafe {
            bindings::unmap_mapping_pages(
                (*self.anchor.as_ptr()).f_mapping,
                range.start(),
                range.pages(),
                true,
            )
        };
    }
}
