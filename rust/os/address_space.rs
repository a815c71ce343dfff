// SPDX-License-Identifier: GPL-2.0

//! The address spaces of processes: `struct mm_struct`.

use super::{
    bindings,
    file::{self, Access},
    local_mapping::LocalMapping,
    task::Pid,
    vma::{self, AddressSpace, VmaObject},
};
use core::ptr::{self, NonNull};
use kernel::{
    error::to_result,
    fs::File,
    mm::{Mm, MmWithUser},
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef,
};

/// An address space whose number no other one gets as long as this is there. It can be empty: it
/// outlives its tasks.
#[derive(Clone)]
pub(crate) struct KeptAddressSpace(ARef<Mm>);

/// How a file is mapped: the arguments of mmap(2).
pub(crate) struct Mapping {
    pub(crate) placing: Placing,
    pub(crate) access: Access,
    /// Bytes, whole pages.
    pub(crate) length: usize,
    /// In the file: bytes, a multiple of the page size.
    pub(crate) offset: usize,
    /// All of its pages are touched at once.
    pub(crate) populate: bool,
    /// Bytes, whole pages, that are kept inaccessible on each side; 0 unless it is placed anywhere.
    pub(crate) guard: usize,
}

/// Where it goes.
#[derive(Clone, Copy)]
pub(crate) enum Placing {
    /// Near that address if it can be there.
    Anywhere(usize),
    /// There, where nothing may be.
    Fixed(usize),
    /// There, in place of what is there.
    Over(usize),
}

impl KeptAddressSpace {
    /// The current task's. `EINVAL` for a task without one.
    pub(crate) fn current() -> Result<Self> {
        NonNull::new(Self::of_current_task())
            // SAFETY: The current task keeps its mm while it runs; an `Mm` is a `struct mm_struct`.
            .map(|mm| Self(ARef::from(unsafe { Mm::from_raw(mm.as_ptr()) })))
            .ok_or(EINVAL)
    }

    /// That of a process. `ESRCH` if it is gone, or is none.
    pub(crate) fn of_process(process: &Pid) -> Result<Self> {
        // SAFETY: A `Pid` is valid; null or a task that is ours to put.
        let task = NonNull::new(unsafe {
            bindings::get_pid_task(process.as_raw(), bindings::pid_type_PIDTYPE_TGID)
        })
        .ok_or(ESRCH)?;
        // SAFETY: The task is valid; null or an mm with a user that is ours.
        let mm = NonNull::new(unsafe { bindings::get_task_mm(task.as_ptr()) });
        // SAFETY: Ours, and not used any more.
        unsafe { bindings::put_task_struct(task.as_ptr()) };

        // SAFETY: The reference to a user becomes the `ARef`'s.
        let mm: ARef<MmWithUser> = unsafe { ARef::from_raw(mm.ok_or(ESRCH)?.cast()) };
        let kept: &Mm = &mm;
        Ok(Self(ARef::from(kept)))
    }

    pub(crate) fn number(&self) -> usize {
        self.0.as_raw() as usize
    }

    /// Whether it is the current task's.
    pub(crate) fn is_current(&self) -> bool {
        ptr::eq(self.0.as_raw(), Self::of_current_task())
    }

    /// Whether a task of the process still has it: none does after exit or exec.
    pub(crate) fn is_used_by(&self, process: &Pid) -> bool {
        // SAFETY: Both are valid.
        unsafe { bindings::iomd_process_has(process.as_raw(), self.0.as_raw()) }
    }

    /// Calls `found` with what [`vma::shown_at`] says. `None` if it says nothing, or the address space is
    /// empty.
    ///
    /// To be called without locks: it takes the mmap lock, and can be the last to use the address
    /// space, which then empties it. `found` runs under the mmap lock.
    pub(crate) fn shown_at<T: VmaObject, R>(
        &self,
        address: usize,
        pages: usize,
        found: impl FnOnce(&T, usize, Access) -> R,
    ) -> Option<R> {
        let user = self.user()?;
        let lock = user.mmap_read_lock();

        vma::shown_at(&lock, address, pages, found)
    }

    /// A use of it, unless nobody has it any more. To be dropped without locks: the last one empties
    /// the address space.
    pub(super) fn user(&self) -> Option<ARef<MmWithUser>> {
        self.0.mmget_not_zero()
    }

    /// It as that of a VMA.
    pub(crate) fn address_space(&self) -> AddressSpace {
        AddressSpace::of_mm(self.0.as_raw())
    }

    /// Flushes the processors' caches of these bytes of a page, if that is present and the kernel has
    /// it mapped. `EFAULT` if nothing is mapped there; `ESRCH` if the address space is empty.
    ///
    /// To be called without locks, as [`KeptAddressSpace::shown_at`].
    pub(crate) fn flush_page(&self, address: usize, length: usize) -> Result {
        let user = self.0.mmget_not_zero().ok_or(ESRCH)?;
        let lock = user.mmap_read_lock();
        let mut page = ptr::null_mut();

        lock.vma_lookup(address).ok_or(EFAULT)?;
        // SAFETY: The mmap lock is held, and there is room for the one page. With NOFAULT the lock is
        // kept, and what is not there stays so.
        let count = unsafe {
            bindings::get_user_pages_remote(
                self.0.as_raw(),
                address,
                1,
                bindings::FOLL_NOFAULT,
                &mut page,
                ptr::null_mut(),
            )
        };
        if count == 1 {
            // SAFETY: The page is ours until it is put, which is after its last use here.
            unsafe {
                LocalMapping::from_raw(page).flush(address % PAGE_SIZE, length);
                bindings::iomd_put_page(page);
            }
        }
        Ok(())
    }

    pub(super) fn as_raw(&self) -> *mut bindings::mm_struct {
        self.0.as_raw()
    }

    fn of_current_task() -> *mut bindings::mm_struct {
        // SAFETY: There is always a current task, and nobody else changes its mm.
        unsafe { (*bindings::get_current()).mm }
    }
}

/// Maps a file for the current task, as its mmap(2) would: with its limits, its credentials, and its
/// security hooks. Returns where it is, or mmap(2)'s error.
pub(crate) fn map_file(file: &File, mapping: &Mapping) -> Result<usize> {
    if mapping.guard == 0 {
        return map_at(file, mapping, mapping.placing);
    }
    let Placing::Anywhere(near) = mapping.placing else {
        return Err(EINVAL);
    };
    let length = mapping
        .guard
        .checked_mul(2)
        .and_then(|guards| guards.checked_add(mapping.length))
        .ok_or(ENOMEM)?;

    // Its place is kept by the guards' own mapping. Nobody knows of either before this is done.
    let start = reserve(near.saturating_sub(mapping.guard), length)?;
    start
        .checked_add(mapping.guard)
        .ok_or(ENOMEM)
        .and_then(|address| map_at(file, mapping, Placing::Over(address)))
        .inspect_err(|_| unmap(start, length))
}

/// `vm_mmap()` of a file.
fn map_at(file: &File, mapping: &Mapping, placing: Placing) -> Result<usize> {
    let (address, fixed, over) = match placing {
        Placing::Anywhere(address) => (address, false, false),
        Placing::Fixed(address) => (address, true, false),
        Placing::Over(address) => (address, false, true),
    };

    // SAFETY: The file is valid; `vm_mmap` checks the rest, as for mmap(2).
    let address = unsafe {
        bindings::iomd_vm_mmap(
            file::as_raw(file),
            address,
            mapping.length,
            mapping.offset,
            mapping.access.is_writable(),
            fixed,
            over,
            mapping.populate,
        )
    };
    mapped(address)
}

/// Makes addresses inaccessible, near one if they can be there; returns the first.
fn reserve(near: usize, length: usize) -> Result<usize> {
    // SAFETY: Nothing that is there is replaced.
    mapped(unsafe { bindings::iomd_vm_reserve(near, length) })
}

/// Takes back what was mapped just now.
fn unmap(start: usize, length: usize) {
    // That fails only where memory is short, and then leaves what nobody can use.
    // SAFETY: Nobody knows of these addresses yet.
    unsafe { bindings::vm_munmap(start, length) };
}

/// What `vm_mmap()` says.
pub(super) fn mapped(address: usize) -> Result<usize> {
    // An error is one of the highest addresses, where no mapping can be.
    match i32::try_from(address as isize) {
        Ok(error) if error < 0 => to_result(error).map(|()| 0),
        _ => Ok(address),
    }
}
