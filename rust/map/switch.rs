// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch, for whoever holds a map's control mutex.

use super::Map;
use crate::{
    descriptor::Part,
    os::{mutex::Guard, trace, wait::Deadline},
    suspension::{Suspension, Terms},
};
use kernel::{
    prelude::*,
    sync::atomic::{Relaxed, Release},
};

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

    /// From here on no fault inserts a page; all accesses that fault wait: on `terms`, or where none
    /// passes already, on those that they wait on.
    pub(super) fn close(&self, terms: Terms) {
        let passes_some = !self.map.closed.load(Relaxed) || self.map.safe.load(Relaxed) != 0;
        if passes_some {
            self.set_terms(terms);
        }
        self.map.safe.store(0, Relaxed);
        self.map.closed.store(true, Release);
        // A fault that passed the gate has `state` until its page is in.
        drop(self.map.state.write());
    }

    /// Takes away what faults have inserted. With the gate closed, no access that comes after it
    /// reaches the memory.
    pub(super) fn zap(&self) {
        self.map.inode.zap();
    }

    /// How many pages of the memory are held by others than page tables. `EINTR` if the task is
    /// killed.
    pub(super) fn held_pages(&self) -> Result<usize> {
        let part = self
            .map
            .state
            .read()
            .part
            .as_ref()
            .map(|part| (part.descriptor().clone(), part.range()));

        // Without the lock: it can be a long range.
        part.map_or(Ok(0), |(descriptor, range)| descriptor.held_pages(range))
    }

    /// The map shows `part`, once accesses pass.
    ///
    /// `pinned` is for the trace. Returns what it showed before, which is to be dropped when the gate
    /// is open: that can free gigabytes.
    pub(super) fn install(&self, part: Part, pinned: usize) -> Option<Part> {
        let (descriptor, first_page) = (part.descriptor().id(), part.range().start());
        let unused = {
            let mut state = self.map.state.write();
            if state.ended {
                // Perhaps retired, which nothing would take the part out of again.
                Some(part)
            } else {
                state.suspension = None;
                state.part.replace(part)
            }
        };
        self.map.counters.redirects.fetch_add(1, Relaxed);
        trace::redirect(self.map.id(), descriptor, first_page, pinned);
        self.changed();
        unused
    }

    /// Accesses wait from now on, or no more. To be settled.
    pub(super) fn set_suspension(&self, suspension: Option<Suspension>) {
        self.map.state.write().suspension = suspension;
        match suspension {
            Some(_) => trace::suspend(self.map.id()),
            None => trace::resume(self.map.id()),
        }
        self.changed();
    }

    /// Opens the gate to whom nothing holds up, and tells the others on what terms they wait: the
    /// last step of every switch. It never closes an open gate.
    pub(super) fn settle(&self) {
        let map = self.map;
        let (suspension, descriptor) = {
            let state = map.state.read();
            let descriptor = state.part.as_ref().map(|part| part.descriptor().clone());

            (state.suspension, descriptor)
        };
        let descriptor = descriptor.and_then(|descriptor| descriptor.suspension());
        // Who is safe from the descriptor's suspension is not from the map's own.
        let holding = match (suspension, descriptor) {
            (None, descriptor) => descriptor,
            (Some(own), None) => Some((own.terms, 0)),
            (Some(own), Some((terms, _))) => Some((own.terms.and(terms), 0)),
        };

        if let Some((mut terms, safe)) = holding {
            terms.kernel_may_wait &= map.privileged;
            self.set_terms(terms);
            map.safe.store(safe, Release);
        } else {
            // Before the gate opens, so that no fault of the next switch finds a deadline of the
            // last.
            map.deadline_ns
                .store(Deadline::NEVER.nanoseconds(), Relaxed);
            map.closed.store(false, Release);
        }
        map.access.wake_all();
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
