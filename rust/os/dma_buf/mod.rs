// SPDX-License-Identifier: GPL-2.0

//! dma-bufs: memory that drivers share through a file, those of others and our own.
//!
//! A dma-buf has a lock, its *reservation*. Under it importers pin and map the memory, and under it
//! they are told that they have to map it again.
//!
//! C headers: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h),
//! [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

pub(crate) mod export;
pub(crate) mod import;
mod importers;
mod operations;

use super::bindings;
use kernel::{error::to_result, prelude::*, types::NotThreadSafe};

/// The reservation of a dma-buf, locked.
///
/// # Invariants
///
/// The current task holds it.
struct Reservation(*mut bindings::dma_resv, NotThreadSafe);

impl Reservation {
    /// # Safety
    ///
    /// The dma-buf is valid as long as the result is there.
    unsafe fn lock(dma_buf: *mut bindings::dma_buf) -> Self {
        // SAFETY: As required. Without a context the lock cannot fail.
        let reservation = unsafe {
            let reservation = (*dma_buf).resv;
            bindings::dma_resv_lock(reservation, core::ptr::null_mut());
            reservation
        };

        // INVARIANT: Just taken.
        Self(reservation, NotThreadSafe)
    }

    /// As [`Reservation::lock`]; `EINTR` if a signal comes.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn lock_interruptible(dma_buf: *mut bindings::dma_buf) -> Result<Self> {
        // SAFETY: As above.
        let reservation = unsafe {
            let reservation = (*dma_buf).resv;
            to_result(bindings::ww_mutex_lock_interruptible(
                &raw mut (*reservation).lock,
                core::ptr::null_mut(),
            ))?;
            reservation
        };

        // INVARIANT: Just taken.
        Ok(Self(reservation, NotThreadSafe))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::dma_resv_unlock(self.0) };
    }
}
