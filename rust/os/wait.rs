// SPDX-License-Identifier: GPL-2.0

//! Wait queues with the two sleeps that a page fault may take, and poll.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::bindings;
use core::ptr;
use kernel::{
    ffi::c_int,
    prelude::*,
    sync::LockClassKey,
    types::{Opaque, ScopeGuard},
};

/// Creates a [`WaitQueue`] initialiser with a newly-created lock class.
macro_rules! new_wait_queue {
    ($name:literal) => {
        $crate::os::wait::WaitQueue::new(
            kernel::optional_name!($name),
            kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_wait_queue;

/// What ends a sleep besides the condition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// Any signal.
    Interruptible,
    /// A signal that kills.
    Killable,
    /// Nothing: see [`WaitQueue::wait_unkillable`].
    Uninterruptible,
}

impl Sleep {
    // Both freezable: a task that slept through the freezer would fail every suspend-to-RAM. Who
    // sleeps in a system call's access may hold that call's locks, which lockdep is to be told.
    fn state(self) -> c_int {
        match self {
            Sleep::Interruptible => {
                (bindings::TASK_INTERRUPTIBLE | bindings::TASK_FREEZABLE) as c_int
            }
            // SAFETY: It returns a constant, which is a macro that the bindings lack.
            Sleep::Killable => unsafe { bindings::iomd_task_killable_freezable() },
            Sleep::Uninterruptible => bindings::TASK_UNINTERRUPTIBLE as c_int,
        }
    }
}

/// A moment of CLOCK_MONOTONIC, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(i64);

impl Deadline {
    /// It never comes.
    pub(crate) const NEVER: Self = Self(i64::MAX);

    /// It has passed.
    pub(crate) const PASSED: Self = Self(0);

    /// `EINVAL` for a moment that the clock does not reach.
    pub(crate) fn new(nanoseconds: u64) -> Result<Self> {
        i64::try_from(nanoseconds).map(Self).map_err(|_| EINVAL)
    }

    /// So many seconds from now.
    pub(crate) fn in_seconds(seconds: u64) -> Self {
        let nanoseconds = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(bindings::NSEC_PER_SEC.into());

        // SAFETY: The clock can be read at any time.
        Self(unsafe { bindings::ktime_get() }.saturating_add(nanoseconds))
    }

    pub(crate) fn has_passed(self) -> bool {
        // The clock is read only where there is a deadline.
        // SAFETY: It can be read at any time.
        self != Self::NEVER && unsafe { bindings::ktime_get() } >= self.0
    }

    /// Sleeps, in the state that was set before, until it comes or the task is woken.
    fn sleep(mut self) {
        let expires = if self == Self::NEVER {
            ptr::null_mut()
        } else {
            &mut self.0
        };

        // SAFETY: Null, or valid for the call. The caller of `wait` may sleep.
        unsafe { bindings::schedule_hrtimeout(expires, bindings::hrtimer_mode_HRTIMER_MODE_ABS) };
    }
}

/// A wait queue head.
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: The head has a lock of its own.
unsafe impl Send for WaitQueue {}
// SAFETY: As above.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// See [`new_wait_queue!`].
    pub(crate) fn new(
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is valid for the call, pinned from then on, and `class` is static.
            head <- Opaque::ffi_init(|slot| unsafe {
                bindings::__init_waitqueue_head(slot, name.as_char_ptr(), class.as_ptr())
            }),
        })
    }

    /// Sleeps until `condition` holds, or `deadline` has passed; `EINTR` if a signal of the kind
    /// came first. Both are looked at again after every wake-up.
    ///
    /// No wake-up is lost: the task is on the queue before it looks at the condition
    /// (`___wait_event()` in C), so that whoever makes the condition true and then calls
    /// [`WaitQueue::wake_all`] either is seen or wakes it.
    pub(crate) fn wait(
        &self,
        sleep: Sleep,
        condition: impl Fn() -> bool,
        deadline: impl Fn() -> Deadline,
    ) -> Result {
        let mut entry = bindings::wait_queue_entry::default();
        let entry = ptr::from_mut(&mut entry);

        // SAFETY: `entry` lives on this stack until `finish_wait` has taken it off the queue.
        unsafe { bindings::init_wait_entry(entry, 0) };
        // SAFETY: As above; the head was initialised and outlives the borrow of `self`.
        let _finish = ScopeGuard::new(|| unsafe {
            bindings::finish_wait(self.head.get(), entry);
        });
        loop {
            // SAFETY: Head and entry are valid, see above.
            let interrupted =
                unsafe { bindings::prepare_to_wait_event(self.head.get(), entry, sleep.state()) };
            let deadline = deadline();
            if condition() || deadline.has_passed() {
                return Ok(());
            }
            if interrupted != 0 {
                return Err(EINTR);
            }
            deadline.sleep();
        }
    }

    /// Sleeps until `condition` holds, whatever signals come: for what is over soon.
    pub(super) fn wait_unkillable(&self, condition: impl Fn() -> bool) {
        // Only a signal would be an error.
        let _ = self.wait(Sleep::Uninterruptible, condition, || Deadline::NEVER);
    }

    /// Wakes all who wait or poll. Takes no lock where nobody does.
    ///
    /// Who comes onto the queue looks at the condition after that, and we look at the queue after the
    /// condition was made true, with a barrier between the two (`wq_has_sleeper()`).
    pub(crate) fn wake_all(&self) {
        // SAFETY: The head was initialised and is pinned.
        unsafe { bindings::iomd_wake_all(self.head.get()) };
    }

    pub(super) fn as_raw(&self) -> *mut bindings::wait_queue_head {
        self.head.get()
    }
}
