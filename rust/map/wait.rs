// SPDX-License-Identifier: GPL-2.0

//! How accesses pass a map's gate, and how those wait that do not.

use super::{trail::Trail, waiters::Report, Map, State};
use crate::{
    os::{big_reader_lock::ReadGuard, trace, vma::AddressSpace, wait::Sleep},
    pure::wait::{Access, Verdict},
    suspension::Terms,
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed,
    time::{Instant, Monotonic},
};

/// Who has passed a map's gate: what it shows.
pub(super) type Entered<'a> = ReadGuard<'a, State, Trail>;

impl Map {
    /// Passes the gate, if it is open. Who passed keeps a switch from zapping until he has left, so
    /// that he must not sleep for one.
    #[inline(always)]
    pub(super) fn enter(&self, address_space: AddressSpace) -> Option<Entered<'_>> {
        // Never waits for the lock: a fault holds the mmap lock of its task.
        self.gate
            .enter(address_space.number(), || self.state.try_read())
    }

    /// Whether nothing holds accesses to a page from there up.
    fn lets_reach(&self, address_space: AddressSpace, page: usize) -> bool {
        // Who changes the state closes the gate before: that is when to look again.
        self.gate.lets_pass(address_space.number())
            && self
                .state
                .try_read()
                .is_none_or(|state| !state.held.holds(page))
    }

    /// What an access is to do that did not reach its page, on the terms of what holds it up; `None`
    /// if nothing does any more. `access` is told whether the kernel may wait.
    pub(super) fn verdict(
        &self,
        address_space: AddressSpace,
        page: usize,
        access: impl FnOnce(bool) -> Access,
    ) -> Option<Verdict> {
        let standing = self.standing.lock();
        let verdict = if standing.terms.deadline.has_passed() {
            Verdict::Refuse
        } else {
            access(standing.terms.kernel_may_wait).verdict()
        };

        // It was a switch, and that is over: these terms are for others.
        if verdict == Verdict::Refuse && self.lets_reach(address_space, page) {
            None
        } else {
            Some(verdict)
        }
    }

    /// Sleeps until nothing holds accesses to the page up, the map has ended, the deadline has passed,
    /// or the access is to happen again for another reason. `EINTR` if a signal of the kind came
    /// first.
    pub(super) fn sleep(
        &self,
        sleep: Sleep,
        address_space: AddressSpace,
        report: Report,
    ) -> Result {
        let page = report.page;
        // Who cannot be reported happens again at once, and is reported then.
        let Ok(place) = self.waiters.enter(report) else {
            return Ok(());
        };
        let counters = &self.counters;
        let began = Instant::<Monotonic>::now();

        counters.waits.fetch_add(1, Relaxed);
        counters.waiters.fetch_add(1, Relaxed);
        self.pollers.wake_all();
        let outcome = self.access.wait(
            sleep,
            || self.lets_reach(address_space, page) || self.must_not_wait(sleep),
            || self.terms().deadline,
        );
        drop(place);
        counters.waiters.fetch_sub(1, Relaxed);
        let nanoseconds = u64::try_from(began.elapsed().as_nanos()).unwrap_or(0);
        counters.waited(nanoseconds);
        trace::wait(self.id(), page, nanoseconds);
        outcome
    }

    fn terms(&self) -> Terms {
        self.standing.lock().terms
    }

    /// Whether one who sleeps is to happen again although the gate is closed: he would get SIGBUS
    /// now. Who came to the short wait of a switch must not find himself in a suspension that he
    /// would not have been let into.
    fn must_not_wait(&self, sleep: Sleep) -> bool {
        self.has_ended() || sleep == Sleep::Killable && !self.terms().kernel_may_wait
    }
}
