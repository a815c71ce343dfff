// SPDX-License-Identifier: GPL-2.0

//! Suspensions, of a map or of a descriptor: who made one, and how long accesses wait for its end.

use crate::{os::wait::Deadline, pure::numbers::Numbers};
use kernel::{prelude::*, sync::atomic::Atomic};

/// On what terms accesses wait.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// Accesses in kernel mode may.
    pub(crate) kernel_may_wait: bool,
    /// Past it nobody does: accesses get SIGBUS.
    pub(crate) deadline: Deadline,
}

impl Terms {
    /// Those of a switch to other memory, which is over as soon as the old is zapped.
    pub(crate) const SWITCH: Self = Self {
        kernel_may_wait: true,
        deadline: Deadline::NEVER,
    };

    /// Where there is no suspension.
    pub(crate) const NONE: Self = Self {
        kernel_may_wait: false,
        deadline: Deadline::NEVER,
    };

    /// Those of two suspensions at once.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            kernel_may_wait: self.kernel_may_wait && other.kernel_may_wait,
            deadline: self.deadline.min(other.deadline),
        }
    }
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
pub(crate) struct HandleId(u64);

impl HandleId {
    /// `ENFILE` if there are no more.
    pub(crate) fn new() -> Result<Self> {
        static ALL: Numbers = Numbers::after(Atomic::new(0));

        Ok(Self(ALL.next().ok_or(ENFILE)?))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// Accesses wait until it is ended.
#[derive(Clone, Copy)]
pub(crate) struct Suspension {
    pub(crate) owner: HandleId,
    pub(crate) abandoned: Abandoned,
    pub(crate) terms: Terms,
}

impl Suspension {
    /// Whether something is to be done about it when `handle` is gone.
    pub(crate) fn ends_with(&self, handle: HandleId) -> bool {
        self.owner == handle && self.abandoned != Abandoned::Stay
    }

    /// Its owner is gone: what remains of it.
    pub(crate) fn abandoned(mut self) -> Option<Self> {
        if self.abandoned == Abandoned::Resume {
            return None;
        }
        self.terms.deadline = Deadline::PASSED;
        Some(self)
    }
}
