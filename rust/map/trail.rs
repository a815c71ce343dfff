// SPDX-License-Identifier: GPL-2.0

//! What the faults of one processor leave for the next of it. It is in the processor's own line of the lock
//! that every fault takes anyway.

use crate::{
    os::fault_count::{Counted, FaultCount},
    pure::window::Course,
};
use kernel::sync::atomic::{Atomic, Relaxed};

/// See the module's documentation. A guess: a fault can be moved to another processor in between.
pub(super) struct Trail {
    /// A [`Course`], packed.
    course: Atomic<usize>,
    /// Faults that were served.
    faults: FaultCount,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            course: Atomic::new(0),
            faults: FaultCount::new(),
        }
    }
}

impl Trail {
    #[inline]
    pub(super) fn course(&self) -> Course {
        Course::unpack(self.course.load(Relaxed))
    }

    /// A fault is about to be served that leaves this.
    #[inline(always)]
    pub(super) fn served(&self, course: Course) -> Counted {
        self.course.store(course.pack(), Relaxed);
        self.faults.count()
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults.get()
    }
}
