// SPDX-License-Identifier: GPL-2.0

//! The life of a fault: it inserts, or it waits and then happens again.

use super::{waiters::Report, Map, State};
use crate::{
    os::{
        fault::{Fault, Outcome},
        rwsem::ReadGuard,
        task::Pid,
        trace,
        vma::AddressSpace,
        wait::{Deadline, Sleep},
    },
    pure::wait::Verdict,
};
use kernel::{
    sync::atomic::Relaxed,
    time::{Instant, Monotonic},
};

impl Map {
    /// Serves an access that found no page-table entry.
    pub(super) fn fault(&self, mut fault: Fault<'_>) -> Outcome {
        loop {
            if self.has_ended() {
                return fault.sigbus();
            }
            let entered = self.enter(fault.address_space());
            let Some(state) = entered.filter(|state| !state.held.holds(fault.page())) else {
                match self.wait(fault) {
                    Ok(outcome) => return outcome,
                    Err(again) => fault = again,
                }
                continue;
            };
            if state.ended {
                return fault.sigbus();
            }
            let Some(place) = state
                .part
                .as_ref()
                .and_then(|part| part.place(fault.page()))
            else {
                return fault.sigbus();
            };
            let Some(pages) = place.leaf.store().try_pages() else {
                // They are just being taken away, or looked at for that.
                let leaf = place.leaf.clone();
                drop(state);
                return fault.retry_after(|| leaf.store().wait());
            };
            let wanted = fault.page();
            let following = (1..fault.window().min(place.pages)).map_while(|distance| {
                let is_held = state.held.holds(wanted.checked_add(distance)?);
                place.page.checked_add(distance).filter(|_| !is_held)
            });
            // `state` is held until the entries are in, so that a switch that closes the gate now
            // drains us before it zaps.
            if !pages.are_special() {
                if let Some(page) = pages.get(place.page) {
                    self.served(wanted);
                    return fault.insert(&page, following.map_while(|page| pages.get(page)));
                }
            } else if let Some(address) = pages.address(place.page) {
                self.served(wanted);
                let following = following.map_while(|page| pages.address(page));
                return fault.insert_special(address, following);
            }
            // First touch. Memory is allocated without the lock: whoever waits for it to be free
            // must not wait for reclaim.
            let (leaf, index) = (place.leaf.clone(), place.page);
            drop(pages);
            drop(state);
            if leaf.populate(index).is_err() {
                return fault.sigbus();
            }
        }
    }

    fn served(&self, page: usize) {
        self.counters.faults.fetch_add(1, Relaxed);
        trace::fault(self.id(), page);
    }

    /// Passes the gate, if it is open. Who passed keeps a switch from zapping until he has left, so
    /// that he must not sleep for one.
    fn enter(&self, address_space: AddressSpace) -> Option<ReadGuard<'_, State>> {
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

    /// The gate is closed, or the page held: sleeps, if this access may, until neither is so, the
    /// map has ended, or the deadline has passed. Gives the fault back if neither is so any more.
    fn wait<'a>(&self, fault: Fault<'a>) -> core::result::Result<Outcome, Fault<'a>> {
        let (page, address_space) = (fault.page(), fault.address_space());
        let deadline = || Deadline::from_nanoseconds(self.deadline_ns.load(Relaxed));
        let (verdict, holds_up) = {
            let _terms = self.terms.lock();
            let verdict = if deadline().has_passed() {
                Verdict::Refuse
            } else {
                let access = fault.access(self.kernel_may_wait.load(Relaxed));
                access.verdict()
            };
            (verdict, !self.lets_reach(address_space, page))
        };
        let sleep = match verdict {
            Verdict::RetryAtOnce => return Ok(fault.retry_without_wait()),
            // It was a switch, and that is over: these terms are for others.
            Verdict::Refuse if !holds_up => return Err(fault),
            Verdict::Refuse => return Ok(fault.sigbus()),
            Verdict::SleepInterruptible => Sleep::Interruptible,
            Verdict::SleepKillable => Sleep::Killable,
        };
        let report = Report {
            page,
            address: fault.address(),
            write: fault.is_write(),
            thread: Pid::current_thread(),
        };
        let released = match fault.release() {
            Ok(released) => released,
            Err(fault) => return Ok(fault.sigbus()),
        };
        // Who cannot be reported happens again at once, and is reported then.
        let Ok(place) = self.waiters.enter(report) else {
            return Ok(released.retry());
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
            || self.lets_reach(address_space, page) || self.must_not_wait(sleep),
            deadline,
        );
        drop(place);
        counters.waiters.fetch_sub(1, Relaxed);
        let nanoseconds = u64::try_from(began.elapsed().as_nanos()).unwrap_or(0);
        counters.waited(nanoseconds);
        trace::wait(self.id(), page, nanoseconds);
        Ok(released.retry())
    }

    /// Whether one who sleeps is to happen again although the gate is closed: he would get SIGBUS
    /// now. Who came to the short wait of a switch must not find himself in a suspension that he
    /// would not have been let into.
    fn must_not_wait(&self, sleep: Sleep) -> bool {
        self.has_ended() || sleep == Sleep::Killable && !self.kernel_may_wait.load(Relaxed)
    }
}
