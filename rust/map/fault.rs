// SPDX-License-Identifier: GPL-2.0

//! The life of a fault: it inserts, or it waits and then happens again.

use super::{Map, State};
use crate::{
    os::{
        fault::{Fault, Outcome},
        rwsem::ReadGuard,
        trace,
        vma::AddressSpace,
        wait::{Deadline, Sleep},
    },
    pure::wait::Verdict,
};
use kernel::{
    sync::atomic::{Acquire, Relaxed},
    time::{Instant, Monotonic},
};

impl Map {
    /// Serves an access that found no page-table entry.
    pub(super) fn fault(&self, fault: Fault<'_>) -> Outcome {
        loop {
            if self.has_ended() {
                return fault.sigbus();
            }
            let Some(state) = self.enter(fault.address_space()) else {
                return self.wait(fault);
            };
            if state.ended {
                return fault.sigbus();
            }
            let Some((part, index)) = state
                .part
                .as_ref()
                .and_then(|part| Some((part, part.range().nth(fault.page())?)))
            else {
                return fault.sigbus();
            };
            let buffer = part.descriptor().buffer();
            if let Some(page) = buffer.page(index) {
                let wanted = fault.page();
                let following = (1..fault.window()).map_while(|distance| {
                    let index = part.range().nth(wanted.checked_add(distance)?)?;
                    buffer.page(index)
                });
                self.counters.faults.fetch_add(1, Relaxed);
                trace::fault(self.id(), wanted);
                // `state` is held until the entries are in, so that a switch that closes the gate
                // now drains us before it zaps.
                return fault.insert(&page, following);
            }
            // First touch. Memory is allocated without the lock: whoever waits for it to be free
            // must not wait for reclaim.
            let descriptor = part.descriptor().clone();
            drop(state);
            if descriptor.buffer().populate(index).is_err() {
                return fault.sigbus();
            }
        }
    }

    /// Passes the gate, if it is open. Who passed keeps a switch from zapping until he has left, so
    /// that he must not sleep for one.
    fn enter(&self, address_space: AddressSpace) -> Option<ReadGuard<'_, State>> {
        if !self.lets_pass(address_space) {
            return None;
        }
        // Never waits for the lock: a fault holds the mmap lock of its task.
        let state = self.state.try_read()?;

        // Closed, and perhaps the memory zapped, before we had the lock?
        self.lets_pass(address_space).then_some(state)
    }

    /// Whether the gate is open to accesses from there.
    fn lets_pass(&self, address_space: AddressSpace) -> bool {
        !self.closed.load(Acquire) || self.safe.load(Acquire) == address_space.number()
    }

    /// The gate is closed: sleeps, if this access may, until it is open, the map has ended, or the
    /// deadline has passed.
    fn wait(&self, fault: Fault<'_>) -> Outcome {
        let deadline = || Deadline::from_nanoseconds(self.deadline_ns.load(Relaxed));
        if deadline().has_passed() {
            return fault.sigbus();
        }
        let access = fault.access(self.kernel_may_wait.load(Relaxed));
        let sleep = match access.verdict() {
            Verdict::RetryAtOnce => return fault.retry_without_wait(),
            Verdict::Refuse => return fault.sigbus(),
            Verdict::SleepInterruptible => Sleep::Interruptible,
            Verdict::SleepKillable => Sleep::Killable,
        };
        let (page, address_space) = (fault.page(), fault.address_space());
        let released = match fault.release() {
            Ok(released) => released,
            Err(fault) => return fault.sigbus(),
        };
        let counters = &self.counters;
        let began = Instant::<Monotonic>::now();

        counters.waits.fetch_add(1, Relaxed);
        counters.waiters.fetch_add(1, Relaxed);
        self.pollers.wake_all();
        // However it ended, the access happens again: then it is served, or gets SIGBUS, or waits
        // again after a signal's handler ran, or its task dies first.
        let _ = self.access.wait(
            sleep,
            || self.lets_pass(address_space) || self.must_not_wait(sleep),
            deadline,
        );
        counters.waiters.fetch_sub(1, Relaxed);
        let nanoseconds = u64::try_from(began.elapsed().as_nanos()).unwrap_or(0);
        counters.waited(nanoseconds);
        trace::wait(self.id(), page, nanoseconds);
        released.retry()
    }

    /// Whether one who sleeps is to happen again although the gate is closed: he would get SIGBUS
    /// now. Who came to the short wait of a switch must not find himself in a suspension that he
    /// would not have been let into.
    fn must_not_wait(&self, sleep: Sleep) -> bool {
        self.has_ended() || sleep == Sleep::Killable && !self.kernel_may_wait.load(Relaxed)
    }
}
