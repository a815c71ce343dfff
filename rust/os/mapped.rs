// SPDX-License-Identifier: GPL-2.0

//! What an address space has mapped where, for those who map it again elsewhere.

use super::{
    address_space::KeptAddressSpace,
    bindings,
    file::FileOperations,
    vma::{Place, VmOperations, VmaObject},
};
use crate::pure::remap::{Protection, Protections};
use core::ptr;
use kernel::{
    fs::{File, LocalFile},
    mm::virt::{flags, VmaRef},
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef,
};

/// A file that is only mapped: of its position, which belongs to others, nobody here knows.
#[derive(Clone)]
pub(crate) struct MappableFile(ARef<LocalFile>);

// SAFETY: A `LocalFile` stays in its thread for the sake of its position.
unsafe impl Send for MappableFile {}
// SAFETY: As above.
unsafe impl Sync for MappableFile {}

impl MappableFile {
    /// # Safety
    ///
    /// `file` is valid, and the caller gives a reference away.
    pub(super) unsafe fn own(file: ptr::NonNull<bindings::file>) -> Self {
        // SAFETY: As required; a `LocalFile` is a `struct file`.
        Self(unsafe { ARef::from_raw(file.cast()) })
    }

    pub(super) fn as_raw(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }
}

impl From<ARef<File>> for MappableFile {
    fn from(file: ARef<File>) -> Self {
        let file: &LocalFile = &file;
        Self(file.into())
    }
}

/// Some addresses at which one thing is mapped.
pub(crate) struct Mapped<'a, T> {
    /// Bytes, whole pages.
    pub(crate) length: usize,
    pub(crate) protections: Protections,
    pub(crate) memory: Memory<'a, T>,
}

/// What is mapped.
pub(crate) enum Memory<'a, T> {
    /// An object of ours, from one of its pages on.
    Object(&'a T, usize),
    /// A file that others see too, from one of its bytes on.
    File(MappableFile, usize),
    /// What no other address space sees, unless by the kernel's own saving of copies.
    Private,
    /// What the kernel does not let out of its mapping: memory of drivers, secret memory, huge pages
    /// of hugetlbfs, shadow stacks, its own code for programs.
    Closed,
}

impl KeptAddressSpace {
    /// Calls `found` with everything that is mapped in `[start, end)`, in order, under the mmap lock.
    ///
    /// To be called without locks: it can be the last to use the address space, which then empties it.
    /// `ESRCH` if nobody has it any more, `EFAULT` where nothing is mapped, or what `found` says.
    pub(crate) fn each_mapped<T: VmaObject>(
        &self,
        start: usize,
        end: usize,
        mut found: impl FnMut(Mapped<'_, T>) -> Result,
    ) -> Result {
        let user = self.user().ok_or(ESRCH)?;
        let lock = user.mmap_read_lock();
        let mut address = start;

        while address < end {
            let vma = lock.vma_lookup(address).ok_or(EFAULT)?;
            let next = vma.end().min(end);
            found(Mapped {
                length: next - address,
                protections: protections(vma),
                memory: memory(vma, address)?,
            })?;
            address = next;
        }
        Ok(())
    }
}

fn protections(vma: &VmaRef) -> Protections {
    let has = |read, write, execute| {
        [
            (read, Protection::READ),
            (write, Protection::WRITE),
            (execute, Protection::EXECUTE),
        ]
        .into_iter()
        .filter(|&(flag, _)| vma.flags() & flag != 0)
        .fold(Protection::NONE, |all, (_, right)| all | right)
    };

    Protections {
        cur: has(flags::READ, flags::WRITE, flags::EXEC),
        max: has(flags::MAYREAD, flags::MAYWRITE, flags::MAYEXEC),
    }
}

/// What a VMA has at an address that is inside.
fn memory<T: VmaObject>(vma: &VmaRef, address: usize) -> Result<Memory<'_, T>> {
    let page = Place::of(vma)
        .first_page
        .checked_add((address - vma.start()) / PAGE_SIZE)
        .ok_or(EFAULT)?;
    // SAFETY: The VMA may be read under the lock.
    let (operations, file) = unsafe { ((*vma.as_ptr()).vm_ops, (*vma.as_ptr()).vm_file) };
    if VmOperations::<T>::are(operations) {
        // SAFETY: The VMA has `T`'s table, and keeps its file as long as the lock is held.
        let object = unsafe { FileOperations::object(file) };
        return Ok(Memory::Object(object, page));
    }
    let is_private = vma.flags() & flags::MAYSHARE == 0;
    // SAFETY: As above.
    if unsafe { bindings::iomd_vma_is_special(vma.as_ptr()) } {
        return Ok(Memory::Closed);
    }
    if operations.is_null() && is_private {
        return Ok(Memory::Private);
    }
    let Some(file) = ptr::NonNull::new(file) else {
        return Ok(Memory::Closed);
    };
    // SAFETY: The VMA keeps the file as long as the lock is held.
    if !unsafe { bindings::iomd_file_is_ordinary(file.as_ptr()) } {
        return Ok(Memory::Closed);
    }
    if is_private {
        return Ok(Memory::Private);
    }
    // SAFETY: As above, which is a reference to the file.
    let file: ARef<LocalFile> = unsafe { LocalFile::from_raw_file(file.as_ptr()) }.into();
    let offset = page.checked_mul(PAGE_SIZE).ok_or(EFAULT)?;
    Ok(Memory::File(MappableFile(file), offset))
}
