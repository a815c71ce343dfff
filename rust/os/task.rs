// SPDX-License-Identifier: GPL-2.0

//! The current task, and the name of a process.

use super::bindings;
use core::ptr::NonNull;

/// Lets others run if it is time; for loops that can be long.
pub(crate) fn yield_if_needed() {
    // SAFETY: Callers may sleep.
    unsafe { bindings::iomd_cond_resched() };
}

/// Whether the current task is being killed; long calls then stop.
pub(crate) fn is_killed() -> bool {
    // SAFETY: There is always a current task.
    unsafe { bindings::iomd_fatal_signal_pending() }
}

/// The number of a process, of which each pid namespace has a view of its own.
///
/// # Invariants
///
/// `self` owns a reference.
pub(crate) struct Process(NonNull<bindings::pid>);

// SAFETY: `struct pid` is reference-counted and belongs to no thread.
unsafe impl Send for Process {}
// SAFETY: It is made for concurrent use.
unsafe impl Sync for Process {}

impl Process {
    /// The current task's.
    pub(crate) fn current() -> Option<Self> {
        // INVARIANT: `get_task_pid` returns a reference.
        // SAFETY: There is always a current task.
        NonNull::new(unsafe {
            bindings::get_task_pid(bindings::get_current(), bindings::pid_type_PIDTYPE_TGID)
        })
        .map(Self)
    }

    /// As the current task sees it; 0 if it does not.
    pub(crate) fn number(&self) -> i32 {
        // SAFETY: By the invariant.
        unsafe { bindings::pid_vnr(self.0.as_ptr()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::put_pid(self.0.as_ptr()) };
    }
}
