// SPDX-License-Identifier: GPL-2.0

//! What a map counts.

use kernel::sync::atomic::{Atomic, Relaxed};

pub(super) struct Counters {
    /// Changes of backing or state.
    pub(super) generation: Atomic<u64>,
    /// Switches of the backing.
    pub(super) redirects: Atomic<u64>,
    /// Accesses that wait now.
    pub(super) waiters: Atomic<u64>,
    /// Accesses that ever waited.
    pub(super) waits: Atomic<u64>,
    /// Of the waits that ended.
    pub(super) longest_wait_ns: Atomic<u64>,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            generation: Atomic::new(0),
            redirects: Atomic::new(0),
            waiters: Atomic::new(0),
            waits: Atomic::new(0),
            longest_wait_ns: Atomic::new(0),
        }
    }

    /// A wait ended after so long.
    pub(super) fn waited(&self, nanoseconds: u64) {
        let mut longest = self.longest_wait_ns.load(Relaxed);

        while nanoseconds > longest {
            match self.longest_wait_ns.cmpxchg(longest, nanoseconds, Relaxed) {
                Ok(_) => break,
                Err(now) => longest = now,
            }
        }
    }
}
