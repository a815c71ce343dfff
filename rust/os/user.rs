// SPDX-License-Identifier: GPL-2.0

//! What the current task may do, in the initial user namespace.

use super::bindings;
use kernel::{cred::Credential, sync::aref::ARef};

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

/// Whether somebody could make the kernel wait when he made something: then with which credentials. They never
/// change: a task that gains or loses a right gets others. What a security module makes of them can.
pub(crate) struct Maker(Option<ARef<Credential>>);

impl Maker {
    /// The current task.
    pub(crate) fn current() -> Self {
        let credentials = may_suspend_the_kernel().then(|| {
            // SAFETY: There is always a current task, which keeps its credentials, and nobody else changes
            // them.
            unsafe { Credential::from_ptr((*bindings::get_current()).cred) }.into()
        });

        Self(credentials)
    }

    /// Whether he could.
    pub(crate) fn may_suspend_the_kernel(&self) -> bool {
        self.0.is_some()
    }

    /// Whether he could, and the current task may. Who has his credentials may what he may.
    pub(crate) fn and_current_may_suspend_the_kernel(&self) -> bool {
        self.0.as_ref().is_some_and(|credentials| {
            // SAFETY: As above; only the pointers are compared.
            let are_current = unsafe { (*bindings::get_current()).cred == credentials.as_ptr() };

            are_current || may_suspend_the_kernel()
        })
    }
}

/// CAP_IPC_LOCK: to lock memory beyond RLIMIT_MEMLOCK.
pub(crate) fn may_lock_memory() -> bool {
    capable_noaudit(bindings::CAP_IPC_LOCK)
}
