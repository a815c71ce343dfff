// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch, for whoever holds a map's control mutex.

use super::{held::Held, standing::Standing, Map};
use crate::{
    descriptor::{Descriptor, Part},
    os::{mutex::Guard, trace},
    pure::range::PageRange,
    registry::Strong,
    suspension::Terms,
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

    /// `EBUSY` if the memory may be taken away, or was.
    pub(super) fn check_non_volatile(&self) -> Result {
        let state = self.map.state.read();

        state.part.as_ref().ok_or(EBUSY)?.check_non_volatile()
    }

    /// From here on no fault inserts a page; all accesses that fault wait: on `terms`, or where none
    /// passes already, on those that they wait on.
    #[inline]
    pub(super) fn close(&self, terms: Terms) {
        self.shut(terms);
        // A fault that passed the gate has `state` until its page is in; one that comes finds it closed.
        self.map.state.drain();
    }

    /// Whoever enters from here on finds the gate closed, and sleeps: as of [`Switch::close`], which waits
    /// for those who passed it besides.
    #[inline]
    pub(super) fn shut(&self, terms: Terms) {
        let map = self.map;

        if map.gate.passes_some() {
            let mut standing = map.standing.lock();
            standing.terms = terms;
            map.gate.close();
        }
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
    #[inline]
    pub(super) fn held_pages(&self, range: PageRange) -> Result<usize> {
        if self.map.unpinnable {
            return Ok(0);
        }
        let state = self.map.state.read();
        let Some(part) = &state.part else {
            return Ok(0);
        };
        if part.is_unshared(range) {
            return Ok(0);
        }
        // Not with the lock: it can be a long range.
        let shown = part.shown(range);
        drop(state);
        shown.map_or(Ok(0), |(descriptor, shown)| descriptor.held_pages(shown))
    }

    /// Whose memory these pages of the map show, and which.
    pub(super) fn shown(&self, range: PageRange) -> Option<(Strong<Descriptor>, PageRange)> {
        self.map.state.read().part.as_ref()?.shown(range)
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
        let mut state = self.map.state.write();
        state.held = Held::Nothing;
        let before = state.show(part);
        let descriptor = state.suspension();
        drop(state);
        self.stand(|standing| {
            standing.descriptor = descriptor;
            standing.let_all_go();
        });
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

    /// Looks at the descriptor's suspension, opens the gate to whom nothing holds up, and tells the others on
    /// what terms they wait: the last step of every switch. It never closes an open gate.
    pub(super) fn settle(&self) {
        let descriptor = self.map.state.read().suspension();

        self.stand(|standing| standing.descriptor = descriptor);
    }

    /// [`Switch::settle`], after a change, and but for the descriptor. The gate is closed, or nobody loses
    /// what he could get at before.
    #[inline]
    pub(super) fn stand<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        let map = self.map;
        let mut standing = map.standing.lock();

        let result = change(&mut standing);
        match standing.settle() {
            Some(safe) => map.gate.spare(safe),
            None => map.gate.open(),
        }
        standing.terms.kernel_may_wait &= map.maker.may_suspend_the_kernel();
        drop(standing);
        map.access.wake_all();
        result
    }

    pub(super) fn changed(&self) {
        self.map.counters.generation.fetch_add(1, Relaxed);
    }
}
