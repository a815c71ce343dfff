// SPDX-License-Identifier: GPL-2.0

//! A reader-writer semaphore around a value.
//!
//! C header: [`include/linux/rwsem.h`](srctree/include/linux/rwsem.h)

use super::bindings;
use core::{cell::UnsafeCell, marker::PhantomData, ops};
use kernel::{
    error::to_result,
    prelude::*,
    sync::LockClassKey,
    types::{NotThreadSafe, Opaque},
};

/// Creates a [`RwSemaphore`] initialiser with a newly-created lock class.
macro_rules! new_rw_semaphore {
    ($value:expr, $name:literal) => {
        $crate::os::rwsem::RwSemaphore::new(
            $value,
            kernel::optional_name!($name),
            kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_rw_semaphore;

/// `struct rw_semaphore` around a value.
#[pin_data]
pub(crate) struct RwSemaphore<T> {
    #[pin]
    semaphore: Opaque<bindings::rw_semaphore>,
    value: UnsafeCell<T>,
}

// SAFETY: The value goes where the semaphore goes.
unsafe impl<T: Send> Send for RwSemaphore<T> {}
// SAFETY: `&RwSemaphore` gives `&T` to many threads, or `&mut T` to one.
unsafe impl<T: Send + Sync> Sync for RwSemaphore<T> {}

impl<T> RwSemaphore<T> {
    /// See [`new_rw_semaphore!`].
    pub(crate) fn new(
        value: T,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is valid for the call, pinned from then on, and `class` is static.
            semaphore <- Opaque::ffi_init(|slot| unsafe {
                bindings::__init_rwsem(slot, name.as_char_ptr(), class.as_ptr())
            }),
            value: UnsafeCell::new(value),
        })
    }

    /// Takes the lock for reading; sleeps while a writer has it or waits for it.
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        // SAFETY: The semaphore was initialised and is pinned.
        unsafe { bindings::down_read(self.semaphore.get()) };
        // INVARIANT: Just taken.
        ReadGuard {
            lock: self,
            _task: PhantomData,
        }
    }

    /// Takes the lock for reading if that needs no wait.
    pub(crate) fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        // SAFETY: The semaphore was initialised and is pinned.
        if unsafe { bindings::down_read_trylock(self.semaphore.get()) } == 0 {
            return None;
        }
        // INVARIANT: Just taken.
        Some(ReadGuard {
            lock: self,
            _task: PhantomData,
        })
    }

    /// Takes the lock for reading; `EINTR` if the task is killed while it waits.
    pub(crate) fn read_killable(&self) -> Result<ReadGuard<'_, T>> {
        // SAFETY: The semaphore was initialised and is pinned.
        to_result(unsafe { bindings::down_read_killable(self.semaphore.get()) })?;
        // INVARIANT: Just taken.
        Ok(ReadGuard {
            lock: self,
            _task: PhantomData,
        })
    }

    /// Tells lockdep of a reader that a [`BigReaderLock`](super::big_reader_lock::BigReaderLock) has let in,
    /// as `down_read_trylock()` tells.
    #[inline]
    pub(super) fn note_reader(&self) {
        // SAFETY: The semaphore was initialised.
        #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
        unsafe {
            bindings::iomd_rwsem_note_reader(self.semaphore.get())
        };
    }

    /// Tells it that he has left.
    #[inline]
    pub(super) fn note_reader_left(&self) {
        // SAFETY: As above.
        #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
        unsafe {
            bindings::iomd_rwsem_note_reader_left(self.semaphore.get())
        };
    }

    /// Takes the lock for writing if that needs no wait.
    pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        // SAFETY: The semaphore was initialised and is pinned.
        if unsafe { bindings::down_write_trylock(self.semaphore.get()) } == 0 {
            return None;
        }
        // INVARIANT: Just taken.
        Some(WriteGuard {
            lock: self,
            _task: PhantomData,
        })
    }

    /// Takes the lock for writing; sleeps until all readers have left.
    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        // SAFETY: The semaphore was initialised and is pinned.
        unsafe { bindings::down_write(self.semaphore.get()) };
        // INVARIANT: Just taken.
        WriteGuard {
            lock: self,
            _task: PhantomData,
        }
    }
}

/// The right to read the value.
///
/// # Invariants
///
/// The current task holds the semaphore for reading.
pub(crate) struct ReadGuard<'a, T> {
    lock: &'a RwSemaphore<T>,
    // lockdep wants the task that took it to release it.
    _task: PhantomData<NotThreadSafe>,
}

impl<T> ops::Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the invariant there is no writer.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant the current task holds it for reading.
        unsafe { bindings::up_read(self.lock.semaphore.get()) };
    }
}

/// The right to change the value.
///
/// # Invariants
///
/// The current task holds the semaphore for writing.
pub(crate) struct WriteGuard<'a, T> {
    lock: &'a RwSemaphore<T>,
    _task: PhantomData<NotThreadSafe>,
}

impl<T> ops::Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the invariant nobody else has access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> ops::DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant nobody else has access, and `self` is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant the current task holds it for writing.
        unsafe { bindings::up_write(self.lock.semaphore.get()) };
    }
}
