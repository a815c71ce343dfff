// SPDX-License-Identifier: GPL-2.0

//! How many faults were served, so that it is known where there can be entries in page tables.
//!
//! Who takes entries away leaves that out where no fault was counted since. So a fault is counted before its
//! entry goes in: what puts one in takes a [`Counted`], and only counting gives that.

use kernel::sync::atomic::{Atomic, Relaxed};

/// See the module's documentation.
pub(crate) struct FaultCount(Atomic<u64>);

/// A fault has been counted, and may put entries in.
#[must_use]
pub(crate) struct Counted(());

impl FaultCount {
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one. Who reads the count after the entry is in has to come after it by a lock: the caller
    /// keeps one from here until then.
    #[inline(always)]
    pub(crate) fn count(&self) -> Counted {
        self.0.add(1, Relaxed);
        Counted(())
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
