// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch, for whoever holds a map's control mutex.

use super::{held::Held, state::Standing, Map, State};
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
        self.shut(terms);
        // A fault that passed the gate has `state` until its page is in.
        drop(self.map.state.write());
    }

    /// [`Switch::close`], and a look which pages others can hold through these of the map: those that
    /// they show, and go on showing.
    pub(super) fn close_and_look(
        &self,
        terms: Terms,
        range: PageRange,
    ) -> Option<(Strong<Descriptor>, PageRange)> {
        self.shut(terms);
        // As above.
        let state = self.map.state.write();

        if self.map.unpinnable {
            None
        } else {
            state.shown(range)
        }
    }

    /// Whoever fails to get the state from here on finds the gate closed, and sleeps: as of
    /// [`Switch::close`], which waits for those who passed it besides.
    pub(super) fn shut(&self, terms: Terms) {
        let map = self.map;
        let _terms = map.terms.lock();

        if map.gate.passes_some() {
            self.set_terms(terms);
        }
        map.gate.close();
    }

    /// Takes away what faults have inserted of these pages, and what importers can do without: no access
    /// that comes after it reaches the memory. The gate is closed.
    #[inline]
    pub(super) fn zap(&self, range: PageRange) {
        if range == self.map.range {
            self.map.zap_all();
        } else {
            self.map.zap(range);
        }
        self.map.exports.revoke();
    }

    /// How many pages of the memory that these show are held by others than page tables: none for a map
    /// through which nobody can. `EINTR` if the task is killed.
    pub(super) fn held_pages(&self, range: PageRange) -> Result<usize> {
        if self.map.unpinnable {
            return Ok(0);
        }
        // Without the lock: it can be a long range.
        self.shown(range)
            .map_or(Ok(0), |(descriptor, shown)| descriptor.held_pages(shown))
    }

    /// Whose memory these pages of the map show, and which.
    pub(super) fn shown(&self, range: PageRange) -> Option<(Strong<Descriptor>, PageRange)> {
        self.map.state.read().shown(range)
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

    /// The map shows `part`, once accesses pass. To be settled.
    ///
    /// `pinned` is for the trace. Returns what it showed before, which is to be dropped when the gate
    /// is open: that can free gigabytes.
    pub(super) fn install(&self, part: Part, pinned: usize) -> Option<Part> {
        self.tell(&part, pinned);
        self.map.state.write().show(part)
    }

    /// [`Switch::install`], in place of a suspension too if there is one, and settles.
    pub(super) fn redirect(&self, part: Part, pinned: usize) -> Option<Part> {
        self.tell(&part, pinned);
        let (before, standing) = self.change(|state| {
            state.let_all_go();
            state.show(part)
        });
        self.stand(standing);
        before
    }

    /// Tells of a redirect.
    fn tell(&self, part: &Part, pinned: usize) {
        self.map.counters.redirects.fetch_add(1, Relaxed);
        trace::redirect(
            self.map.id(),
            part.descriptor().id(),
            part.range().start(),
            pinned,
        );
        self.changed();
    }

    /// Accesses to these pages wait, besides those that do already. Settles.
    ///
    /// `in_pages` is what [`Switch::in_pages`] said, unless these are all pages.
    pub(super) fn hold(
        &self,
        mut suspension: Suspension,
        range: PageRange,
        in_pages: Option<Held>,
    ) {
        let (last, standing) = self.change(|state| {
            // It goes on, and so does what those before could not do.
            if let Some(last) = &state.suspension {
                suspension.terms.kernel_may_wait &= last.terms.kernel_may_wait;
            }
            state.hold(suspension, range, self.map.range, in_pages)
        });

        trace::suspend(self.map.id());
        self.changed();
        if last.is_some_and(|last| last.owner != suspension.owner) {
            self.map.forget_reports();
        }
        self.stand(standing);
    }

    /// Accesses to these pages wait no more for the map's own suspension, if there is one. Settles.
    ///
    /// `in_pages` as of [`Switch::hold`].
    pub(super) fn let_go(&self, range: PageRange, in_pages: Option<Held>) {
        let (is_suspended, standing) = self.change(|state| {
            let is_suspended = state.suspension.is_some();
            if is_suspended {
                state.let_go(range, self.map.range, in_pages);
            }
            is_suspended
        });

        if is_suspended {
            trace::resume(self.map.id());
            self.changed();
        }
        self.stand(standing);
    }

    /// The map's own suspension is over, if there is one: with a redirect, which tells of itself. To be
    /// settled.
    pub(super) fn let_all_go(&self) {
        self.map.state.write().let_all_go();
    }

    /// The suspension lasts, but otherwise. Settles.
    pub(super) fn change_suspension(&self, suspension: Suspension) {
        let (_, standing) = self.change(|state| state.suspension.replace(suspension));

        self.changed();
        self.stand(standing);
    }

    /// Changes the state, and says how accesses stand then. The gate is closed, or nobody loses what he
    /// could get at before.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> (T, Standing) {
        let mut state = self.map.state.write();
        let result = change(&mut state);

        (result, state.standing())
    }

    /// Opens the gate to whom nothing holds up, and tells the others on what terms they wait: the
    /// last step of every switch. It never closes an open gate.
    pub(super) fn settle(&self) {
        let standing = self.map.state.read().standing();

        self.stand(standing);
    }

    /// As [`Switch::settle`], with what the state says.
    fn stand(&self, standing: Standing) {
        let map = self.map;
        let Standing { safe, mut terms } = standing;

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
