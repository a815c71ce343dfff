// SPDX-License-Identifier: GPL-2.0

//! Memory in a file without a name, as a memfd is, and what others have, to fill it with.
//!
//! C header: [`include/linux/shmem_fs.h`](srctree/include/linux/shmem_fs.h)

use super::{
    address_space::KeptAddressSpace,
    bindings,
    mapped::MappableFile,
    pages::{Page, PageRef},
};
use core::ptr::null_mut;
use kernel::{
    error::{from_err_ptr, to_result},
    page::PAGE_SIZE,
    prelude::*,
};

/// Zeros, until they are written, on the account of the current task's memory cgroup. They can be
/// swapped out.
pub(crate) struct ScratchFile(MappableFile);

impl ScratchFile {
    /// So many bytes, whole pages. `ENOMEM` if they are more than the system can promise; `ENFILE`.
    pub(crate) fn new(length: usize) -> Result<Self> {
        // SAFETY: Any length can be asked for.
        let file = from_err_ptr(unsafe { bindings::iomd_scratch_file(length) });
        // It says so for an inode without memory: it knows of no other reason.
        let file = file.map_err(|error| if error == ENOSPC { ENOMEM } else { error })?;
        let file = core::ptr::NonNull::new(file).ok_or(ENOMEM)?;

        // SAFETY: The one reference to a new file is ours.
        Ok(Self(unsafe { MappableFile::own(file) }))
    }

    /// Makes a page that of `page`. `ENOMEM`.
    pub(crate) fn write(&self, index: usize, page: &Page) -> Result {
        // SAFETY: File and page are valid, and the file is one of shmem.
        to_result(unsafe {
            bindings::iomd_write_scratch_file(self.0.as_raw(), index, page.as_ptr())
        })
    }

    pub(crate) fn file(&self) -> &MappableFile {
        &self.0
    }
}

impl KeptAddressSpace {
    /// Calls `look` with what is mapped at an address, if it may be read or could be made readable.
    ///
    /// To be called without locks, as a touch of the memory by the kernel. `ESRCH` if nobody has the
    /// address space any more, `EFAULT` if there is nothing, or what cannot be held; `ENOMEM`; `EINTR`
    /// if the task is killed.
    pub(crate) fn with_page_at(
        &self,
        address: usize,
        look: impl FnOnce(&Page) -> Result,
    ) -> Result {
        let user = self.user().ok_or(ESRCH)?;
        let mut page = null_mut();

        // SAFETY: The address space has a user; what the address is worth is for the call to find out.
        to_result(unsafe {
            bindings::iomd_get_user_page(user.as_raw(), address & !(PAGE_SIZE - 1), &mut page)
        })?;
        // SAFETY: It is held until it is put below.
        let looked = unsafe { PageRef::from_raw(page) }.ok_or(EFAULT);
        let outcome = looked.and_then(|page| look(&page));
        // SAFETY: It was held above, and is not used any more.
        unsafe { bindings::iomd_put_page(page) };
        outcome
    }
}
