// SPDX-License-Identifier: GPL-2.0

//! Pages that others allocated, pinned so that they stay where they are for as long as they are used.
//!
//! A pin is a long-term one (FOLL_LONGTERM): the kernel moves the page to where it hinders nobody
//! first, refuses what must be able to leave (DAX), and gives an address space its own copy of a page
//! that it would copy on the next write, so that both see what either writes from then on.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{
    address_space::KeptAddressSpace,
    bindings,
    memory_file::MemoryFile,
    pages::PageRef,
    task, //
};
use core::ptr::null_mut;
use kernel::{
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};

/// How many pages are asked for at a time: between two times a killed task stops.
const BATCH: usize = 256;

/// Pinned pages, in an order; one can be there several times.
///
/// # Invariants
///
/// Every entry is a page that `self` has pinned once for that entry.
pub(crate) struct Pins {
    pages: KVVec<*mut bindings::page>,
    writable: bool,
}

// SAFETY: A pin belongs to no thread.
unsafe impl Send for Pins {}
// SAFETY: Shared, it only says which pages there are.
unsafe impl Sync for Pins {}

impl Pins {
    /// No pins, with room for so many. `writable` says whether the pages will be written. `ENOMEM`.
    pub(crate) fn new(pages: usize, writable: bool) -> Result<Self> {
        // INVARIANT: There is no entry.
        Ok(Self {
            pages: KVVec::with_capacity(pages, GFP_KERNEL_ACCOUNT)?,
            writable,
        })
    }

    /// Pins what an address space has in `pages` pages from `address` on, which is rounded down.
    ///
    /// To be called without locks: it takes the mmap lock, waits as a touch of the memory by the kernel
    /// does, and can be the last to use the address space, which then empties it.
    ///
    /// `ESRCH` if nobody has the address space any more. `EFAULT` where nothing is mapped, or not with
    /// the rights, or what cannot be pinned: memory of devices, secret memory, a file that would have
    /// to be told of writes. `EOPNOTSUPP` for a file without page cache (DAX). `ENOMEM`; `EINTR` if the
    /// task is killed.
    pub(crate) fn add_memory_of(
        &mut self,
        address_space: &KeptAddressSpace,
        address: usize,
        pages: usize,
    ) -> Result {
        self.add(address_space, address, pages, false)
    }

    /// As [`Pins::add_memory_of`], of memory that the address space sees alone: it gets pages of its own
    /// that it could write, whatever its rights are now. `EFAULT` for other memory that it may not write.
    pub(crate) fn add_private_memory_of(
        &mut self,
        address_space: &KeptAddressSpace,
        address: usize,
        pages: usize,
    ) -> Result {
        self.add(address_space, address, pages, true)
    }

    fn add(
        &mut self,
        address_space: &KeptAddressSpace,
        mut address: usize,
        mut pages: usize,
        force: bool,
    ) -> Result {
        let user = address_space.user().ok_or(ESRCH)?;

        while pages != 0 {
            task::go_on()?;
            let begin = self.pages.len();
            let batch = pages.min(BATCH);
            self.pages
                .extend_with(batch, null_mut(), GFP_KERNEL_ACCOUNT)?;
            let slots = self.pages.get_mut(begin..).ok_or(ENOMEM)?;
            // SAFETY: The address space has a user, there is room for as many pages as are asked for,
            // and what the addresses are worth is for the call to find out.
            let pinned = unsafe {
                bindings::iomd_pin_user_pages(
                    user.as_raw(),
                    address,
                    slots.len(),
                    self.writable,
                    force,
                    slots.as_mut_ptr(),
                )
            };
            // INVARIANT: As many as the call has pinned stay, once each.
            let count = usize::try_from(pinned).unwrap_or(0).min(batch);
            self.pages.truncate(begin + count);
            if count == 0 {
                let pinned = i32::try_from(pinned).unwrap_or(0);
                // EEXIST: an entry that tells of no page, such as ours for memory of others.
                return to_result(pinned).and(Err(EFAULT)).map_err(|error| {
                    if error == EEXIST {
                        EFAULT
                    } else {
                        error
                    }
                });
            }
            pages -= count;
            address = address.wrapping_add(count.wrapping_mul(PAGE_SIZE));
        }
        Ok(())
    }

    /// Pins `pages` pages of a file in memory from `first` on; it gets those that it has not yet.
    ///
    /// `ERANGE` if it is shorter; `EPERM` to write what is sealed against that; `ENOMEM`; `EINTR` if
    /// the task is killed.
    pub(crate) fn add_file(&mut self, file: &MemoryFile, first: usize, pages: usize) -> Result {
        let end = first.checked_add(pages).ok_or(ERANGE)?;
        let locked = file.lock();

        if self.writable && locked.is_sealed_against_writing() {
            return Err(EPERM);
        }
        if locked.pages() < end {
            return Err(ERANGE);
        }
        for page in first..end {
            task::go_on()?;
            // Room first: what is pinned then has its place.
            self.pages.reserve(1, GFP_KERNEL_ACCOUNT)?;
            // INVARIANT: It comes with a pin.
            self.pages.push(locked.pin(page)?, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.pages.len()
    }

    /// The page at `index`.
    pub(crate) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        // SAFETY: By the invariant it is a page that stays as long as `self`.
        unsafe { PageRef::from_raw(*self.pages.get(index)?) }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for pages in self.pages.chunks_mut(BATCH) {
            // Nobody else is told of what was written through page tables of ours.
            // SAFETY: By the invariant the pins are ours, and nobody uses them any more.
            unsafe {
                bindings::unpin_user_pages_dirty_lock(
                    pages.as_mut_ptr(),
                    pages.len(),
                    self.writable,
                )
            };
            task::yield_if_needed();
        }
    }
}
