// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch, for whoever holds a map's control mutex.

use super::{
    suspension::{Suspension, Terms},
    Map,
};
use crate::{
    descriptor::Part,
    os::{mutex::Guard, trace, wait::Deadline},
};
use kernel::sync::atomic::{Relaxed, Release};

/// The right to change what a map shows: its control mutex is held.
pub(super) struct Switch<'a> {
    map: &'a Map,
    _control: Guard<'a, ()>,
}

impl<'a> Switch<'a> {
    pub(super) fn new(map: &'a Map, control: Guard<'a, ()>) -> Self {
        Self {
            map,
            _control: control,
        }
    }

    pub(super) fn map(&self) -> &'a Map {
        self.map
    }

    /// The redirect to nothing that holds accesses up, if one does.
    pub(super) fn suspension(&self) -> Option<Suspension> {
        self.map.state.read().suspension
    }

    /// From here on no fault inserts a page; accesses that fault wait.
    pub(super) fn close(&self, terms: Terms) {
        self.set_terms(terms);
        self.map.closed.store(true, Release);
        // A fault that saw the gate open has `state` until its page is in.
        drop(self.map.state.write());
    }

    /// Takes away what faults have inserted. With the gate closed, no access that comes after it
    /// reaches the memory.
    pub(super) fn zap(&self) {
        self.map.inode.zap();
    }

    /// How many pages of the memory are held by others than page tables.
    pub(super) fn held_pages(&self) -> usize {
        let part = self
            .map
            .state
            .read()
            .part
            .as_ref()
            .map(|part| (part.descriptor().clone(), part.range()));

        // Without the lock: it can be a long range.
        part.map_or(0, |(descriptor, range)| descriptor.held_pages(range))
    }

    /// The map shows `part`, once accesses pass.
    ///
    /// `pinned` is for the trace.
    pub(super) fn install(&self, part: Part, pinned: usize) {
        let (descriptor, first_page) = (part.descriptor().id(), part.range().start());
        let old = {
            let mut state = self.map.state.write();
            state.suspension = None;
            state.part.replace(part)
        };
        drop(old);
        self.map.counters.redirects.fetch_add(1, Relaxed);
        trace::redirect(self.map.id(), descriptor, first_page, pinned);
        self.changed();
    }

    /// Accesses go on waiting, and those who wait already do so on the new terms.
    pub(super) fn stay_suspended(&self, suspension: Suspension) {
        self.map.state.write().suspension = Some(suspension);
        self.set_terms(suspension.terms);
        trace::suspend(self.map.id());
        self.changed();
        self.map.access.wake_all();
    }

    /// A suspension is over, and accesses pass to the same memory.
    pub(super) fn end_suspension(&self) {
        self.map.state.write().suspension = None;
        trace::resume(self.map.id());
        self.changed();
        self.open();
    }

    /// Accesses pass again.
    pub(super) fn open(&self) {
        // Before the gate opens, so that no fault of the next switch finds a deadline of the last.
        self.map
            .deadline_ns
            .store(Deadline::NEVER.nanoseconds(), Relaxed);
        self.map.closed.store(false, Release);
        self.map.access.wake_all();
    }

    fn set_terms(&self, terms: Terms) {
        let Terms {
            kernel_may_wait,
            deadline,
        } = terms;

        self.map.kernel_may_wait.store(kernel_may_wait, Relaxed);
        self.map.deadline_ns.store(deadline.nanoseconds(), Relaxed);
    }

    fn changed(&self) {
        self.map.counters.generation.fetch_add(1, Relaxed);
    }
}
