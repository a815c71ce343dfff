// SPDX-License-Identifier: GPL-2.0

//! The cache mode of pages.
//!
//! On x86 it is in the page-table entries, and where two entries of one page differ the processor may
//! do anything. The kernel has an entry for every page itself, in its direct map. So a mode is given
//! to that entry, and the kernel notes it with the page; entries of user space are made from the note
//! (`Fault::insert`). Pages are write-back again before they are freed.
//!
//! C headers: [`asm/set_memory.h`](srctree/arch/x86/include/asm/set_memory.h),
//! [`asm/memtype.h`](srctree/arch/x86/include/asm/memtype.h)

use super::{bindings, folio::Folio, page_array::PageArray, pages::PageRef, task};
use crate::pure::cache::CacheMode;
use core::ptr::null_mut;
use kernel::prelude::*;

/// How many pages are changed at a time, which costs all processors a flush: as many as the stack
/// has room for.
const BATCH: usize = 64;

/// Whether there are other modes than write-back. Without a page attribute table the kernel notes
/// none.
pub(crate) fn has_modes() -> bool {
    // SAFETY: It only reads.
    unsafe { bindings::pat_enabled() }
}

/// Gives write-back pages a mode, all or none. Sleeps. `ENOMEM`: the direct map has to be split.
///
/// # Safety
///
/// The pages are valid, and the caller's alone.
pub(super) unsafe fn set(pages: &mut [*mut bindings::page], mode: CacheMode) -> Result {
    let change = match mode {
        CacheMode::WriteBack => return Ok(()),
        CacheMode::Uncached => bindings::set_pages_array_uc,
        CacheMode::WriteCombining => bindings::set_pages_array_wc,
    };

    // SAFETY: The array is valid. Who has allocated a page may change how the direct map shows it.
    if unsafe { change(pages.as_mut_ptr(), pages.len() as i32) } == 0 {
        return Ok(());
    }
    // SAFETY: As required.
    unsafe { restore(pages, mode) };
    Err(ENOMEM)
}

/// Makes pages of that mode, or on the way to it, write-back. Sleeps.
///
/// # Safety
///
/// As of [`set`].
pub(super) unsafe fn restore(pages: &mut [*mut bindings::page], mode: CacheMode) {
    if mode == CacheMode::WriteBack {
        return;
    }
    // Needs no memory, since entries that differ from write-back are single ones already.
    // SAFETY: As above.
    if unsafe { bindings::set_pages_array_wb(pages.as_mut_ptr(), pages.len() as i32) } != 0 {
        // Better lost than given to somebody who expects another mode.
        for page in pages {
            // SAFETY: As required.
            unsafe { bindings::iomd_get_page(*page) };
        }
    }
}

/// Gives a folio a mode before anybody sees it: all of its pages or none. `ENOMEM`.
pub(super) fn set_of_new(folio: &Folio, mode: CacheMode) -> Result {
    if mode == CacheMode::WriteBack {
        return Ok(());
    }
    // SAFETY: The pages are valid, and the caller's alone.
    in_batches(folio.iter(), |pages| unsafe { set(pages, mode) })
        .inspect_err(|_| restore_new(folio, mode))
}

/// Takes that back.
pub(super) fn restore_new(folio: &Folio, mode: CacheMode) {
    if mode != CacheMode::WriteBack {
        let _ = in_batches(folio.iter(), |pages| {
            // SAFETY: As above.
            unsafe { restore(pages, mode) };
            Ok(())
        });
    }
}

/// Calls `work` with some pages after the other.
fn in_batches(
    mut pages: impl Iterator<Item = *mut bindings::page>,
    mut work: impl FnMut(&mut [*mut bindings::page]) -> Result,
) -> Result {
    loop {
        let mut batch = [null_mut(); BATCH];
        let count = batch
            .iter_mut()
            .zip(&mut pages)
            .map(|(slot, page)| *slot = page)
            .count();
        match batch.get_mut(..count) {
            None | Some([]) => return Ok(()),
            Some(pages) => work(pages)?,
        }
    }
}

impl PageArray {
    /// Gives all pages another mode. No page table may have an entry of them: those that hold a
    /// reference are found, others are the caller's to know of.
    ///
    /// `EBUSY` if somebody else has a page; `ENOMEM`; `EINTR` if the task is killed. The pages are
    /// write-back then.
    pub(crate) fn set_cache_mode(&self, mode: CacheMode) -> Result {
        let mut current = self.cache_mode.write();
        self.restore_all(*current);
        *current = CacheMode::WriteBack;
        self.set_special(false);
        // No entry, so nobody gets a page from now on that he has not yet.
        for page in self.iter() {
            if page.is_shared() {
                return Err(EBUSY);
            }
            task::go_on()?;
        }
        self.in_batches(|pages| {
            task::go_on()?;
            // SAFETY: They are the array's, and nobody else has one.
            unsafe { set(pages, mode) }
        })
        .inspect_err(|_| self.restore_all(mode))?;
        *current = mode;
        self.set_special(mode != CacheMode::WriteBack);
        Ok(())
    }

    /// Makes all pages write-back, as they must be when they are freed. No page table may have an entry
    /// of them, unless they are so already.
    pub(crate) fn restore_cache_mode(&self) {
        let mut current = self.cache_mode.write();

        self.restore_all(*current);
        *current = CacheMode::WriteBack;
        self.set_special(false);
    }

    pub(super) fn restore_all(&self, mode: CacheMode) {
        if mode != CacheMode::WriteBack {
            let _ = self.in_batches(|pages| {
                // SAFETY: As above.
                unsafe { restore(pages, mode) };
                task::yield_if_needed();
                Ok(())
            });
        }
    }

    fn in_batches(&self, work: impl FnMut(&mut [*mut bindings::page]) -> Result) -> Result {
        in_batches(self.iter().map(|page| page.as_ptr()), work)
    }

    fn iter(&self) -> impl Iterator<Item = PageRef<'_>> {
        let mut next = Some(0);

        core::iter::from_fn(move || {
            let (index, page) = self.next(next?, usize::MAX)?;
            next = index.checked_add(1);
            Some(page)
        })
    }
}
