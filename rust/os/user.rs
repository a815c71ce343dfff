// SPDX-License-Identifier: GPL-2.0

//! What the current task may do, in the initial user namespace.

use super::bindings;

fn capable(capability: u32) -> bool {
    // SAFETY: There is always a current task.
    unsafe { bindings::capable(capability as i32) }
}

/// CAP_SYS_ADMIN: to see and open the objects of all.
pub(crate) fn may_administer() -> bool {
    capable(bindings::CAP_SYS_ADMIN)
}

/// CAP_SYS_PTRACE: to reach into the memory of any process.
pub(crate) fn may_trace() -> bool {
    capable(bindings::CAP_SYS_PTRACE)
}

/// CAP_SYS_RAWIO: to reach physical memory.
pub(crate) fn may_reach_raw_memory() -> bool {
    capable(bindings::CAP_SYS_RAWIO)
}

/// For a right that is used where it is there, and not missed: a denial is no event for the audit
/// log.
fn capable_noaudit(capability: u32) -> bool {
    // SAFETY: There is always a current task.
    unsafe { bindings::capable_noaudit(capability as i32) }
}

/// CAP_SYS_PTRACE: to make the kernel itself wait for a suspended map.
pub(crate) fn may_suspend_the_kernel() -> bool {
    capable_noaudit(bindings::CAP_SYS_PTRACE)
}

/// CAP_IPC_LOCK: to lock memory beyond RLIMIT_MEMLOCK.
pub(crate) fn may_lock_memory() -> bool {
    capable_noaudit(bindings::CAP_IPC_LOCK)
}
