// SPDX-License-Identifier: GPL-2.0

//! Suspensions: who made one, and how long accesses wait for its end.

use crate::os::wait::Deadline;
use kernel::sync::atomic::{Atomic, Relaxed};

/// On what terms accesses wait while a map's gate is closed.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// Accesses in kernel mode may.
    pub(super) kernel_may_wait: bool,
    /// Past it nobody does: accesses get SIGBUS.
    pub(super) deadline: Deadline,
}

impl Terms {
    /// Those of a switch to other memory, which is over as soon as the old is zapped.
    pub(super) const SWITCH: Self = Self {
        kernel_may_wait: true,
        deadline: Deadline::NEVER,
    };
}

/// What becomes of a suspension whose owner is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// It stays.
    Stay,
    /// Accesses get SIGBUS.
    Refuse,
    /// It ends.
    Resume,
}

/// Tells a handle from all others; never 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HandleId(u64);

impl HandleId {
    pub(super) fn new() -> Self {
        static LAST: Atomic<u64> = Atomic::new(0);

        Self(LAST.fetch_add(1, Relaxed).wrapping_add(1))
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }
}

/// A redirect to nothing that lasts.
#[derive(Clone, Copy)]
pub(super) struct Suspension {
    pub(super) owner: HandleId,
    pub(super) abandoned: Abandoned,
    pub(super) terms: Terms,
}
