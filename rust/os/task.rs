// SPDX-License-Identifier: GPL-2.0

//! The current task, and the names of tasks.

use super::bindings;
use core::ptr::NonNull;
use kernel::prelude::*;

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

/// Between two steps of something long: lets others run; `EINTR` if the task is being killed.
pub(crate) fn go_on() -> Result {
    yield_if_needed();
    if is_killed() {
        Err(EINTR)
    } else {
        Ok(())
    }
}

/// The number of a process or thread, of which each pid namespace has a view of its own.
///
/// # Invariants
///
/// `self` owns a reference.
pub(crate) struct Pid(NonNull<bindings::pid>);

// SAFETY: `struct pid` is reference-counted and belongs to no thread.
unsafe impl Send for Pid {}
// SAFETY: It is made for concurrent use.
unsafe impl Sync for Pid {}

impl Pid {
    /// The current task's process.
    pub(crate) fn current_process() -> Option<Self> {
        Self::current(bindings::pid_type_PIDTYPE_TGID)
    }

    /// The current task itself.
    pub(crate) fn current_thread() -> Option<Self> {
        Self::current(bindings::pid_type_PIDTYPE_PID)
    }

    /// The process or thread that the current task knows by this number.
    pub(crate) fn find(number: i32) -> Option<Self> {
        // INVARIANT: `find_get_pid` returns a reference.
        // SAFETY: Any number can be looked for.
        NonNull::new(unsafe { bindings::find_get_pid(number) }).map(Self)
    }

    pub(super) fn as_raw(&self) -> *mut bindings::pid {
        self.0.as_ptr()
    }

    fn current(kind: bindings::pid_type) -> Option<Self> {
        // INVARIANT: `get_task_pid` returns a reference.
        // SAFETY: There is always a current task.
        NonNull::new(unsafe { bindings::get_task_pid(bindings::get_current(), kind) }).map(Self)
    }

    /// As the current task sees it; 0 if it does not.
    pub(crate) fn number(&self) -> i32 {
        // SAFETY: By the invariant.
        unsafe { bindings::pid_vnr(self.0.as_ptr()) }
    }
}

impl Clone for Pid {
    fn clone(&self) -> Self {
        // INVARIANT: The copy owns the reference that this takes.
        // SAFETY: By the invariant.
        unsafe { bindings::iomd_get_pid(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Pid {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { bindings::put_pid(self.0.as_ptr()) };
    }
}
