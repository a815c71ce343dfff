// SPDX-License-Identifier: GPL-2.0

//! Files whose pages are all the memory that they have: of tmpfs, of hugetlbfs, and memfds, which are
//! files of either.
//!
//! C headers: [`include/linux/memfd.h`](srctree/include/linux/memfd.h),
//! [`include/linux/shmem_fs.h`](srctree/include/linux/shmem_fs.h)

use super::{bindings, file};
use core::ptr::null_mut;
use kernel::{
    error::to_result,
    fs::{File, LocalFile},
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef,
};

/// An open file in memory.
///
/// # Invariants
///
/// The file is of tmpfs or hugetlbfs.
#[derive(Clone)]
pub(crate) struct MemoryFile(ARef<File>);

impl MemoryFile {
    /// One of the caller's file descriptors. `EBADF` if it is none; `EACCES` if it is not open for
    /// reading, or for writing if that is asked for; `EINVAL` if it is another file.
    pub(crate) fn get(fd: i32, writable: bool) -> Result<Self> {
        let file = LocalFile::fget(u32::try_from(fd).map_err(|_| EBADF)?)?;
        // SAFETY: Whoever calls us has come by ioctl(2), which leaves the positions of files alone.
        let file = unsafe { LocalFile::assume_no_fdget_pos(file) };
        let raw = file::as_raw(&file);

        // SAFETY: The file is valid.
        if !unsafe { bindings::iomd_file_readable(raw) }
            || writable && !file::access(&file).is_writable()
        {
            return Err(EACCES);
        }
        // SAFETY: As above.
        to_result(unsafe { bindings::iomd_memfd_seals(raw) })?;
        // INVARIANT: Only such a file has seals.
        Ok(Self(file))
    }

    /// How many bytes it has now.
    pub(crate) fn length(&self) -> u64 {
        // SAFETY: The file is valid.
        u64::try_from(unsafe { bindings::iomd_file_size(file::as_raw(&self.0)) }).unwrap_or(0)
    }

    /// Keeps seals and length as they are.
    pub(super) fn lock(&self) -> Locked<'_> {
        // SAFETY: The file is valid.
        unsafe { bindings::iomd_lock_file_shared(file::as_raw(&self.0)) };
        // INVARIANT: Just locked.
        Locked(self)
    }
}

/// A file whose seals and length stay as they are.
///
/// # Invariants
///
/// Its inode is locked for reading, by this.
pub(super) struct Locked<'a>(&'a MemoryFile);

impl Locked<'_> {
    fn as_raw(&self) -> *mut bindings::file {
        file::as_raw(&self.0 .0)
    }

    pub(super) fn is_sealed_against_writing(&self) -> bool {
        let wanted = bindings::F_SEAL_WRITE | bindings::F_SEAL_FUTURE_WRITE;
        // SAFETY: The file is valid.
        let seals = unsafe { bindings::iomd_memfd_seals(self.as_raw()) };

        seals as u32 & wanted != 0
    }

    /// How many pages it has, the last perhaps in part.
    pub(super) fn pages(&self) -> usize {
        usize::try_from(self.0.length().div_ceil(PAGE_SIZE as u64)).unwrap_or(usize::MAX)
    }

    /// Pins one of its pages, which gets memory if it has none. `ENOMEM`; `EINVAL` beyond the end.
    pub(super) fn pin(&self, page: usize) -> Result<*mut bindings::page> {
        let start = page
            .checked_mul(PAGE_SIZE)
            .and_then(|start| i64::try_from(start).ok())
            .ok_or(EINVAL)?;
        let (mut folio, mut offset) = (null_mut(), 0);

        // SAFETY: By the invariant the file is such a one, and there is room for the one folio that
        // has the byte.
        let count = unsafe {
            bindings::memfd_pin_folios(self.as_raw(), start, start, &mut folio, 1, &mut offset)
        };
        if count != 1 {
            to_result(i32::try_from(count).unwrap_or(0))?;
            return Err(EINVAL);
        }
        // SAFETY: The folio is pinned, and has the page at that offset.
        Ok(unsafe { bindings::iomd_folio_page(folio, offset / PAGE_SIZE) })
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::iomd_unlock_file_shared(self.as_raw()) };
    }
}
