// SPDX-License-Identifier: GPL-2.0

//! A mutex whose waiters can be killed, and many of which can be held at once.
//!
//! [`kernel::sync::Mutex`] waits uninterruptibly, which a lock that is held while gigabytes are
//! copied must not do to those who wait for it.
//!
//! C header: [`include/linux/mutex.h`](srctree/include/linux/mutex.h)

use super::bindings;
use core::{cell::UnsafeCell, marker::PhantomData, ops};
use kernel::{
    prelude::*,
    sync::LockClassKey,
    types::{NotThreadSafe, Opaque},
};

/// Creates a [`KillableMutex`] initialiser with a newly-created lock class.
macro_rules! new_killable_mutex {
    ($value:expr, $name:literal) => {
        $crate::os::mutex::KillableMutex::new(
            $value,
            kernel::optional_name!($name),
            kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_killable_mutex;

/// `struct mutex` around a value.
#[pin_data]
pub(crate) struct KillableMutex<T> {
    #[pin]
    mutex: Opaque<bindings::mutex>,
    value: UnsafeCell<T>,
}

// SAFETY: The value goes where the mutex goes.
unsafe impl<T: Send> Send for KillableMutex<T> {}
// SAFETY: `&KillableMutex` gives access to the value to one thread at a time only.
unsafe impl<T: Send> Sync for KillableMutex<T> {}

impl<T> KillableMutex<T> {
    /// See [`new_killable_mutex!`].
    pub(crate) fn new(
        value: T,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is valid for the call, pinned from then on, and `class` is static.
            mutex <- Opaque::ffi_init(|slot| unsafe {
                bindings::__mutex_init(slot, name.as_char_ptr(), class.as_ptr())
            }),
            value: UnsafeCell::new(value),
        })
    }

    /// Locks; `EINTR` if the task is killed while it waits.
    pub(crate) fn lock(&self) -> Result<Guard<'_, T>> {
        // SAFETY: The mutex was initialised and is pinned.
        if unsafe { bindings::iomd_mutex_lock_killable(self.mutex.get()) } != 0 {
            return Err(EINTR);
        }
        Ok(Guard::of(self))
    }

    /// Locks where nothing may fail: when a file is released. Whoever calls this waits for all of
    /// what the holder does.
    pub(crate) fn lock_unkillable(&self) -> Guard<'_, T> {
        // SAFETY: The mutex was initialised and is pinned.
        unsafe { bindings::mutex_lock(self.mutex.get()) };
        Guard::of(self)
    }

    /// Locks if that needs no wait.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        // SAFETY: The mutex was initialised and is pinned.
        (unsafe { bindings::mutex_trylock(self.mutex.get()) } != 0).then(|| Guard::of(self))
    }

    /// Locks one of many mutexes of the same kind, which the holder of `outer` takes in an order
    /// of its own (lockdep's `nest_lock`: nobody without `outer` may hold two of them).
    pub(crate) fn lock_nested<O>(&self, outer: &Guard<'_, O>) -> Result<Guard<'_, T>> {
        // SAFETY: Both mutexes were initialised and are pinned; the guard shows that the outer one
        // is held.
        let error = unsafe {
            bindings::iomd_mutex_lock_killable_nest_lock(self.mutex.get(), outer.lock.mutex.get())
        };
        if error != 0 {
            return Err(EINTR);
        }
        Ok(Guard::of(self))
    }
}

/// The right to the value.
///
/// # Invariants
///
/// The current task holds the mutex.
pub(crate) struct Guard<'a, T> {
    lock: &'a KillableMutex<T>,
    // A mutex is unlocked by the task that locked it.
    _task: PhantomData<NotThreadSafe>,
}

impl<'a, T> Guard<'a, T> {
    fn of(lock: &'a KillableMutex<T>) -> Self {
        // INVARIANT: All callers have just locked it.
        Self {
            lock,
            _task: PhantomData,
        }
    }
}

impl<T> ops::Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the invariant nobody else has access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> ops::DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant nobody else has access, and `self` is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant the current task holds it.
        unsafe { bindings::mutex_unlock(self.lock.mutex.get()) };
    }
}
