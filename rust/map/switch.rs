// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch, for whoever holds a map's control mutex.

use super::{held::Held, Map};
use crate::{
    descriptor::{Descriptor, Part},
    os::{mutex::Guard, trace},
    pure::range::PageRange,
    registry::Strong,
    suspension::{Suspension, Terms},
};
use kernel::{prelude::*, sync::atomic::Relaxed};

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

    /// `EBUSY` if the memory may be taken away, or was.
    pub(super) fn check_non_volatile(&self) -> Result {
        let state = self.map.state.read();

        state.part.as_ref().ok_or(EBUSY)?.check_non_volatile()
    }

    /// From here on no fault inserts a page; all accesses that fault wait: on `terms`, or where none
    /// passes already, on those that they wait on.
    pub(super) fn close(&self, terms: Terms) {
        let map = self.map;
        {
            let _terms = map.terms.lock();

            if map.gate.passes_some() {
                self.set_terms(terms);
            }
            map.gate.close();
        }
        // A fault that passed the gate has `state` until its page is in.
        drop(map.state.write());
    }

    /// Takes away what faults have inserted of these pages, and what importers can do without. With
    /// the gate closed, no access that comes after it reaches the memory.
    pub(super) fn zap(&self, range: PageRange) {
        self.map.inode.zap(range);
        self.map.exports.revoke();
    }

    /// How many pages of the memory that these show are held by others than page tables. `EINTR` if
    /// the task is killed.
    pub(super) fn held_pages(&self, range: PageRange) -> Result<usize> {
        // Without the lock: it can be a long range.
        self.shown(range)
            .map_or(Ok(0), |(descriptor, shown)| descriptor.held_pages(shown))
    }

    /// Whose memory these pages of the map show, and which.
    pub(super) fn shown(&self, range: PageRange) -> Option<(Strong<Descriptor>, PageRange)> {
        let state = self.map.state.read();
        let part = state.part.as_ref()?;

        Some((
            part.descriptor().clone(),
            part.range().slice(range.start(), range.pages())?,
        ))
    }

    /// [`Switch::held_pages`], or `EBUSY` if there are any and that is to be refused.
    pub(super) fn count_held(&self, range: PageRange, refuse: bool) -> Result<usize> {
        let held = self.held_pages(range)?;

        if refuse && held != 0 {
            return Err(EBUSY);
        }
        Ok(held)
    }

    /// What the map holds, as [`Held::in_pages`]; `None` if it is so already. `ENOMEM`.
    pub(super) fn in_pages(&self) -> Result<Option<Held>> {
        // Nobody else changes it, so that there is no need to allocate with the lock.
        let all = match &self.map.state.read().held {
            Held::Some(_) => return Ok(None),
            Held::Nothing => false,
            Held::All => true,
        };

        Held::in_pages(self.map.range, all).map(Some)
    }

    /// Whether accesses to every page wait for the map's own suspension.
    pub(super) fn holds_all(&self) -> bool {
        matches!(self.map.state.read().held, Held::All)
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
                state.part.replace(part)
            }
        };
        self.map.counters.redirects.fetch_add(1, Relaxed);
        trace::redirect(self.map.id(), descriptor, first_page, pinned);
        self.changed();
        unused
    }

    /// Accesses to these pages wait, besides those that do already. To be settled.
    ///
    /// `in_pages` is what [`Switch::in_pages`] said.
    pub(super) fn hold(&self, suspension: Suspension, range: PageRange, in_pages: Option<Held>) {
        {
            let mut state = self.map.state.write();

            state.suspension = Some(suspension);
            if range == self.map.range {
                state.held = Held::All;
            } else if !matches!(state.held, Held::All) {
                if let Some(held) = in_pages {
                    state.held = held;
                }
                state.held.hold(range);
            }
        }
        trace::suspend(self.map.id());
        self.changed();
    }

    /// Accesses to these pages wait no more for the map's own suspension. To be settled.
    ///
    /// `in_pages` as of [`Switch::hold`].
    pub(super) fn let_go(&self, range: PageRange, in_pages: Option<Held>) {
        {
            let mut state = self.map.state.write();

            if let Some(held) = in_pages {
                state.held = held;
            }
            if range == self.map.range || !state.held.let_go(range) {
                state.held = Held::Nothing;
                state.suspension = None;
            }
        }
        trace::resume(self.map.id());
        self.changed();
    }

    /// The map's own suspension is over, if there is one: with a redirect, which tells of itself. To be
    /// settled.
    pub(super) fn let_all_go(&self) {
        let mut state = self.map.state.write();

        state.held = Held::Nothing;
        state.suspension = None;
    }

    /// The suspension lasts, but otherwise. To be settled.
    pub(super) fn change_suspension(&self, suspension: Suspension) {
        self.map.state.write().suspension = Some(suspension);
        self.changed();
    }

    /// Opens the gate to whom nothing holds up, and tells the others on what terms they wait: the
    /// last step of every switch. It never closes an open gate.
    pub(super) fn settle(&self) {
        let map = self.map;
        let (own, holds_all, descriptor) = {
            let state = map.state.read();

            (
                state.suspension.map(|own| own.terms),
                matches!(state.held, Held::All),
                state.part.as_ref().and_then(Part::suspension),
            )
        };
        // Who is safe from the descriptor's suspension is not from the map's own.
        let safe = if holds_all {
            Some(0)
        } else {
            descriptor.as_ref().map(|(_, safe)| *safe)
        };

        let mut terms = match (own, descriptor) {
            (None, None) => Terms::NONE,
            (Some(own), None) => own,
            (None, Some((terms, _))) => terms,
            (Some(own), Some((terms, _))) => own.and(terms),
        };
        terms.kernel_may_wait &= map.privileged;
        {
            let _terms = map.terms.lock();

            if let Some(safe) = safe {
                map.gate.spare(safe);
            } else {
                map.gate.open();
            }
            self.set_terms(terms);
        }
        map.access.wake_all();
    }

    /// With `terms` locked.
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
