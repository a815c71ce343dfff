// SPDX-License-Identifier: GPL-2.0

//! When an access to a suspended map may sleep.

/// Who faults, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// FAULT_FLAG_RETRY_NOWAIT: the caller wants no wait, and the lock back.
    pub retry_without_wait: bool,
    /// FAULT_FLAG_ALLOW_RETRY: the lock may be dropped.
    pub may_retry: bool,
    /// FAULT_FLAG_USER: the access is an instruction of user space.
    pub user_mode: bool,
    /// The task is exiting or dumping core, and would hold that up.
    pub leaving: bool,
    /// The task is a kernel thread, which no signal reaches.
    pub kernel_thread: bool,
    /// Creator of the map and caller of each suspension may make the kernel wait.
    pub privileged: bool,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer "again", with the lock held.
    RetryAtOnce,
    /// Answer SIGBUS; a system call that made the access returns EFAULT.
    Refuse,
    /// Sleep until a signal comes; its handler runs, then the access faults again.
    SleepInterruptible,
    /// Sleep until a signal kills. A handler cannot run in the middle of a system call's access,
    /// so that an interruptible sleep would spin.
    SleepKillable,
}

impl Access {
    /// The rule. FAULT_FLAG_TRIED does not count: as with userfaultfd, an access sleeps as often
    /// as it must.
    pub fn verdict(self) -> Verdict {
        if self.retry_without_wait && self.may_retry {
            Verdict::RetryAtOnce
        } else if !self.may_retry || self.leaving || self.kernel_thread {
            Verdict::Refuse
        } else if self.user_mode {
            Verdict::SleepInterruptible
        } else if self.privileged {
            Verdict::SleepKillable
        } else {
            // To hold up the kernel at an address of one's choosing helps to exploit it.
            Verdict::Refuse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USER: Access = Access {
        retry_without_wait: false,
        may_retry: true,
        user_mode: true,
        leaving: false,
        kernel_thread: false,
        privileged: false,
    };

    #[test]
    fn user_mode_sleeps_with_or_without_privilege() {
        for privileged in [false, true] {
            let access = Access { privileged, ..USER };
            assert_eq!(access.verdict(), Verdict::SleepInterruptible);
        }
    }

    #[test]
    fn kernel_mode_sleeps_only_with_privilege() {
        let access = Access {
            user_mode: false,
            ..USER
        };
        assert_eq!(access.verdict(), Verdict::Refuse);
        let access = Access {
            privileged: true,
            ..access
        };
        assert_eq!(access.verdict(), Verdict::SleepKillable);
    }

    fn access() -> impl Strategy<Value = Access> {
        any::<[bool; 6]>().prop_map(|bits| Access {
            retry_without_wait: bits[0],
            may_retry: bits[1],
            user_mode: bits[2],
            leaving: bits[3],
            kernel_thread: bits[4],
            privileged: bits[5],
        })
    }

    proptest! {
        #[test]
        fn nobody_sleeps_who_cannot_drop_the_lock(access in access()) {
            let sleeps = matches!(
                access.verdict(),
                Verdict::SleepInterruptible | Verdict::SleepKillable
            );
            prop_assert!(!sleeps || access.may_retry && !access.retry_without_wait);
        }

        #[test]
        fn nobody_sleeps_who_cannot_be_killed(access in access()) {
            if access.leaving || access.kernel_thread {
                prop_assert!(matches!(
                    access.verdict(),
                    Verdict::Refuse | Verdict::RetryAtOnce
                ));
            }
        }

        #[test]
        fn kernel_mode_never_sleeps_interruptibly(access in access()) {
            if !access.user_mode {
                prop_assert_ne!(access.verdict(), Verdict::SleepInterruptible);
            }
        }
    }
}
