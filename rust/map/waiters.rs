// SPDX-License-Identifier: GPL-2.0

//! Who waits where, for a pager that reads it from the map's file.

use super::Map;
use crate::{
    os::{
        task::Pid,
        wait::{Deadline, Sleep, WaitQueue},
    },
    pure::numbers::Numbers,
};
use kernel::{
    new_spinlock,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{atomic::Atomic, SpinLock},
};

/// An access that waits.
struct Waiter {
    report: Report,
    /// A pager knows of it.
    reported: bool,
}

/// What a pager is told.
#[derive(Clone)]
pub(crate) struct Report {
    /// Of the map.
    pub(crate) page: usize,
    /// In the task's address space.
    pub(crate) address: usize,
    pub(crate) write: bool,
    pub(crate) thread: Option<Pid>,
}

/// The accesses of a map that wait.
#[pin_data]
pub(super) struct Waiters {
    #[pin]
    inner: SpinLock<Inner>,
}

struct Inner {
    /// By when they came.
    waiters: RBTree<u64, Waiter>,
    numbers: Numbers,
    unreported: usize,
}

/// A waiter's place in the list, which it leaves when this is dropped.
pub(super) struct Place<'a> {
    waiters: &'a Waiters,
    number: u64,
}

impl Waiters {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- new_spinlock!(Inner {
                waiters: RBTree::new(),
                numbers: Numbers::after(Atomic::new(0)),
                unreported: 0,
            }, "iomd_waiters"),
        })
    }

    /// An access begins to wait. `ENOMEM`.
    pub(super) fn enter(&self, report: Report) -> Result<Place<'_>> {
        let waiter = Waiter {
            report,
            reported: false,
        };
        // Before the lock, under which nothing sleeps.
        let reservation = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let mut inner = self.inner.lock();

        let number = inner.numbers.next().ok_or(ENOMEM)?;
        inner.waiters.insert(reservation.into_node(number, waiter));
        inner.unreported += 1;
        Ok(Place {
            waiters: self,
            number,
        })
    }

    /// Reports up to `room` accesses that no report has told of, in the order in which they came.
    /// The pager knows of them from then on. `ENOMEM`.
    pub(super) fn report(&self, room: usize) -> Result<KVec<Report>> {
        // Who comes after this look is reported the next time.
        let room = room.min(self.inner.lock().unreported);
        let mut reports = KVec::with_capacity(room, GFP_KERNEL)?;
        let mut inner = self.inner.lock();

        for waiter in inner.waiters.values_mut() {
            if !waiter.reported && reports.push_within_capacity(waiter.report.clone()).is_ok() {
                waiter.reported = true;
            }
        }
        inner.unreported = inner.unreported.saturating_sub(reports.len());
        Ok(reports)
    }

    /// No pager knows of any.
    pub(super) fn forget_reports(&self) {
        let mut inner = self.inner.lock();

        for waiter in inner.waiters.values_mut() {
            waiter.reported = false;
        }
        inner.unreported = inner.waiters.values().count();
    }

    /// Whether one waits that no pager knows of.
    pub(super) fn has_news(&self) -> bool {
        self.inner.lock().unreported != 0
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inner = self.waiters.inner.lock();
        let waiter = inner.waiters.remove(&self.number);

        if waiter.is_some_and(|waiter| !waiter.reported) {
            inner.unreported = inner.unreported.saturating_sub(1);
        }
    }
}

impl Map {
    /// Whether an access waits that no report has told of.
    pub(crate) fn has_news(&self) -> bool {
        self.waiters.has_news()
    }

    /// Reports up to `room` of them. Waits until there is one, but for a pager that wants no wait.
    ///
    /// `EAGAIN` if there is none, `EINTR` if a signal came first, `ENOMEM`; nothing for a map that
    /// has ended.
    pub(crate) fn report(&self, room: usize, without_wait: bool) -> Result<KVec<Report>> {
        loop {
            let reports = self.waiters.report(room)?;
            if !reports.is_empty() || self.has_ended() {
                return Ok(reports);
            }
            if without_wait {
                return Err(EAGAIN);
            }
            self.pollers.wait(
                Sleep::Interruptible,
                || self.has_news() || self.has_ended(),
                || Deadline::NEVER,
            )?;
        }
    }

    /// Who was reported could not be told of.
    pub(crate) fn forget_reports(&self) {
        self.waiters.forget_reports();
        self.pollers.wake_all();
    }

    /// Woken when an access begins to wait, and when the map ends.
    pub(crate) fn pollers(&self) -> &WaitQueue {
        &self.pollers
    }
}
