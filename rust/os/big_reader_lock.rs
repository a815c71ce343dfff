// SPDX-License-Identifier: GPL-2.0

//! A reader-writer semaphore whose readers do not get in each other's way: each writes a cache line of his
//! processor's.
//!
//! The kernel's own, `percpu_rw_semaphore`, lets a writer wait for a grace period of RCU, which is
//! milliseconds; here he looks at a line of each processor.

use super::{
    rwsem::{self, RwSemaphore},
    wait::{new_wait_queue, WaitQueue},
};
use crate::pure::big_reader::Count;
use core::{cell::UnsafeCell, marker::PhantomData, ops};
use kernel::{cpu, prelude::*, sync::LockClassKey, types::NotThreadSafe};

/// Up to so many processors have lines of their own. Where there are more, some share one.
const MOST: usize = 16;

/// Creates a [`BigReaderLock`] initialiser with a newly-created lock class.
macro_rules! new_big_reader_lock {
    ($value:expr, $name:literal) => {
        $crate::os::big_reader_lock::BigReaderLock::new(
            $value,
            kernel::optional_name!($name),
            kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_big_reader_lock;

/// What the readers of one processor write.
#[repr(align(64))]
struct Line<L> {
    count: Count,
    local: L,
}

/// A reader-writer semaphore around a value, with an `L` for each processor that only its readers use.
///
/// # Invariants
///
/// How many lines there are is a power of two. The value is read by who has entered at the count of one of
/// them, and written by who has `writers` for writing, keeps readers out at all, and has seen each empty
/// since.
#[pin_data]
pub(crate) struct BigReaderLock<T, L = ()> {
    /// Readers wait here for a writer.
    #[pin]
    writers: RwSemaphore<()>,
    /// A writer waits here for readers.
    #[pin]
    left: WaitQueue,
    lines: KVec<Line<L>>,
    value: UnsafeCell<T>,
}

// SAFETY: The value goes where the lock goes.
unsafe impl<T: Send, L: Send> Send for BigReaderLock<T, L> {}
// SAFETY: `&BigReaderLock` gives `&T` to many threads, or `&mut T` to one; and `&L` to many.
unsafe impl<T: Send + Sync, L: Send + Sync> Sync for BigReaderLock<T, L> {}

impl<T, L: Default> BigReaderLock<T, L> {
    /// See [`new_big_reader_lock!`]. `ENOMEM`.
    pub(crate) fn new(
        value: T,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            writers <- RwSemaphore::new((), name, class),
            left <- new_wait_queue!("iomd_readers_left"),
            // INVARIANT: A power of two.
            lines: lines()?,
            value: UnsafeCell::new(value),
        })
    }
}

fn lines<L: Default>() -> Result<KVec<Line<L>>> {
    let count = (cpu::nr_cpu_ids() as usize).next_power_of_two().min(MOST);
    let mut lines = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;

    for _ in 0..count {
        let line = Line {
            count: Count::new(),
            local: L::default(),
        };
        lines.push(line, GFP_KERNEL_ACCOUNT)?;
    }
    Ok(lines)
}

impl<T, L> BigReaderLock<T, L> {
    /// Takes the lock for reading if that needs no wait.
    #[inline(always)]
    pub(crate) fn try_read(&self) -> Option<ReadGuard<'_, T, L>> {
        let processor = cpu::CpuId::current().as_u32() as usize;
        // One that is not this processor's any more serves as well.
        // SAFETY: By the invariant the mask makes it one of them.
        let line = unsafe {
            self.lines
                .get_unchecked(processor & self.lines.len().wrapping_sub(1))
        };

        if !line.count.enter() {
            self.leave(line);
            return None;
        }
        self.writers.note_reader();
        // INVARIANT: Just entered.
        Some(ReadGuard {
            lock: self,
            line,
            _task: PhantomData,
        })
    }

    /// Takes the lock for reading; sleeps while a writer has it or waits for it.
    #[inline]
    pub(crate) fn read(&self) -> ReadGuard<'_, T, L> {
        self.try_read().unwrap_or_else(|| self.read_after_writers())
    }

    #[cold]
    fn read_after_writers(&self) -> ReadGuard<'_, T, L> {
        loop {
            drop(self.writers.read());
            if let Some(guard) = self.try_read() {
                return guard;
            }
        }
    }

    /// As [`BigReaderLock::read`]; `EINTR` if the task is killed while it waits.
    pub(crate) fn read_killable(&self) -> Result<ReadGuard<'_, T, L>> {
        loop {
            if let Some(guard) = self.try_read() {
                return Ok(guard);
            }
            drop(self.writers.read_killable()?);
        }
    }

    /// Takes the lock for writing if that needs no wait.
    pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T, L>> {
        // INVARIANT: Readers are seen out below, or else it is dropped.
        let guard = WriteGuard::keep_out(self, self.writers.try_write()?);

        self.are_out().then_some(guard)
    }

    /// Takes the lock for writing; sleeps until all readers have left.
    pub(crate) fn write(&self) -> WriteGuard<'_, T, L> {
        // INVARIANT: Readers are seen out below.
        let guard = WriteGuard::keep_out(self, self.writers.write());

        if !self.are_out() {
            self.left.wait_unkillable(|| self.are_out());
        }
        guard
    }

    /// Waits until all readers have left who have the lock now. Who comes meanwhile may have it, and sees
    /// what the caller wrote before.
    pub(crate) fn drain(&self) {
        if !self.lines.iter().all(|line| line.count.has_drained()) {
            drop(self.write());
        }
    }

    /// What each processor's readers have.
    pub(crate) fn locals(&self) -> impl Iterator<Item = &L> {
        self.lines.iter().map(|line| &line.local)
    }

    fn are_out(&self) -> bool {
        self.lines.iter().all(|line| line.count.is_empty())
    }

    #[inline(always)]
    fn leave(&self, line: &Line<L>) {
        if line.count.leave() {
            self.left.wake_all();
        }
    }
}

/// The right to read the value.
///
/// # Invariants
///
/// The current task has entered by way of `line`.
pub(crate) struct ReadGuard<'a, T, L = ()> {
    lock: &'a BigReaderLock<T, L>,
    line: &'a Line<L>,
    // lockdep wants the task that took it to release it.
    _task: PhantomData<NotThreadSafe>,
}

impl<T, L> ReadGuard<'_, T, L> {
    /// What is this processor's, or was when the lock was taken.
    #[inline]
    pub(crate) fn local(&self) -> &L {
        &self.line.local
    }
}

impl<T, L> ops::Deref for ReadGuard<'_, T, L> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant there is no writer.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, L> Drop for ReadGuard<'_, T, L> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.writers.note_reader_left();
        self.lock.leave(self.line);
    }
}

/// The right to change the value.
///
/// # Invariants
///
/// The current task keeps readers out; they are out when anybody else is given the guard.
pub(crate) struct WriteGuard<'a, T, L = ()> {
    lock: &'a BigReaderLock<T, L>,
    // Dropped when readers may come again, so that those who wait do not wait once more.
    _writers: rwsem::WriteGuard<'a, ()>,
}

impl<'a, T, L> WriteGuard<'a, T, L> {
    fn keep_out(lock: &'a BigReaderLock<T, L>, writers: rwsem::WriteGuard<'a, ()>) -> Self {
        for line in &lock.lines {
            line.count.keep_out();
        }
        Self {
            lock,
            _writers: writers,
        }
    }
}

impl<T, L> ops::Deref for WriteGuard<'_, T, L> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the invariant nobody else has access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, L> ops::DerefMut for WriteGuard<'_, T, L> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant nobody else has access, and `self` is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T, L> Drop for WriteGuard<'_, T, L> {
    fn drop(&mut self) {
        for line in &self.lock.lines {
            line.count.let_in();
        }
    }
}
