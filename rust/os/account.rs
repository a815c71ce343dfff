// SPDX-License-Identifier: GPL-2.0

//! Who pays for pages: a user's locked memory and a memory cgroup, whoever causes the page later.
//!
//! `account_locked_vm()` would charge one address space and so be evaded by passing the file
//! descriptor on; the user's own counter, as io_uring and BPF charge it, cannot be.

use super::bindings;
use core::ptr::NonNull;
use kernel::{prelude::*, types::ScopeGuard};

/// The account of the task that opened it.
///
/// # Invariants
///
/// `user` and, if there is one, `memcg` are references that `self` owns.
pub(crate) struct Account {
    user: NonNull<bindings::user_struct>,
    memcg: Option<NonNull<bindings::mem_cgroup>>,
    limit: usize,
}

// SAFETY: Both are reference-counted and belong to no thread.
unsafe impl Send for Account {}
// SAFETY: Both are made for concurrent use.
unsafe impl Sync for Account {}

impl Account {
    /// That of the current task, with its limits of now: RLIMIT_MEMLOCK, or none with
    /// CAP_IPC_LOCK. What is charged is counted either way.
    pub(crate) fn of_current() -> Result<Self> {
        let limit = if super::user::may_lock_memory() {
            usize::MAX
        } else {
            // SAFETY: There is always a current task.
            unsafe { bindings::iomd_memlock_limit_pages() }
        };
        // SAFETY: A system call runs, so the task has a user and, unless it is exiting, an mm.
        let (user, memcg) = unsafe {
            (
                bindings::iomd_get_current_user(),
                bindings::iomd_current_mem_cgroup(),
            )
        };

        // INVARIANT: Both calls return references.
        Ok(Self {
            user: NonNull::new(user).ok_or(EINVAL)?,
            memcg: NonNull::new(memcg),
            limit,
        })
    }

    /// Whose it is, as the initial user namespace numbers users.
    pub(crate) fn user_id(&self) -> u32 {
        // SAFETY: By the invariant; a user keeps its number.
        unsafe { (*self.user.as_ptr()).uid.val }
    }

    /// Charges locked memory; `ENOMEM` beyond the limit.
    pub(crate) fn charge(&self, pages: usize) -> Result {
        // SAFETY: By the invariant.
        if unsafe { bindings::iomd_charge_locked_vm(self.user.as_ptr(), pages, self.limit) } {
            Ok(())
        } else {
            Err(ENOMEM)
        }
    }

    /// Takes back what [`Account::charge`] charged.
    pub(crate) fn uncharge(&self, pages: usize) {
        // SAFETY: By the invariant.
        unsafe { bindings::iomd_uncharge_locked_vm(self.user.as_ptr(), pages) };
    }

    /// Runs `work` so that what it allocates with `__GFP_ACCOUNT` is charged to this memory
    /// cgroup. A page's charge ends with the page.
    pub(crate) fn in_memcg<T>(&self, work: impl FnOnce() -> T) -> T {
        let memcg = self.memcg.map_or(core::ptr::null_mut(), NonNull::as_ptr);
        // SAFETY: By the invariant, and the guard below puts the old one back.
        let old = unsafe { bindings::iomd_set_active_memcg(memcg) };
        // SAFETY: `old` is what was active.
        let _restore = ScopeGuard::new(|| unsafe {
            bindings::iomd_set_active_memcg(old);
        });

        work()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // SAFETY: By the invariant both references are ours.
        unsafe {
            bindings::free_uid(self.user.as_ptr());
            if let Some(memcg) = self.memcg {
                bindings::iomd_mem_cgroup_put(memcg.as_ptr());
            }
        }
    }
}
