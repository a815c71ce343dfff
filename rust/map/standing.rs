// SPDX-License-Identifier: GPL-2.0

//! How accesses to a map stand, as far as that does not differ from page to page: what holds them up, and on
//! what terms they wait.

use crate::suspension::{HandleId, Suspension, Terms};

/// Which pages a map's own suspension holds up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    /// Those that [`State::held`](super::State::held) says, which says none otherwise.
    Pages,
    All,
}

/// See the module's documentation. Changed, together with the gate, by who has the control mutex.
pub(super) struct Standing {
    /// By a redirect to nothing.
    pub(super) suspension: Option<Suspension>,
    pub(super) reach: Reach,
    /// Its descriptor's suspension, as [`Part::suspension`](crate::descriptor::Part::suspension) says. Whoever
    /// changes that lets the map [settle](super::switch::Switch::settle).
    pub(super) descriptor: Option<(Terms, usize)>,
    /// On which accesses wait that something holds up.
    pub(super) terms: Terms,
}

impl Standing {
    /// All pass.
    pub(super) const PASS: Self = Self {
        suspension: None,
        reach: Reach::Nothing,
        descriptor: None,
        terms: Terms::NONE,
    };

    /// Accesses wait as `suspension` says, besides those that do already. Returns whose suspension there was,
    /// and how far it reached.
    pub(super) fn hold(
        &mut self,
        mut suspension: Suspension,
        all: bool,
    ) -> (Option<HandleId>, Reach) {
        let last = (self.suspension.map(|last| last.owner), self.reach);

        // It goes on, and so does what those before could not do.
        if let Some(last) = &self.suspension {
            suspension.terms.kernel_may_wait &= last.terms.kernel_may_wait;
        }
        self.suspension = Some(suspension);
        if all {
            self.reach = Reach::All;
        } else if self.reach == Reach::Nothing {
            self.reach = Reach::Pages;
        }
        last
    }

    /// The map's own suspension is over, if there is one.
    pub(super) fn let_all_go(&mut self) {
        self.reach = Reach::Nothing;
        self.suspension = None;
    }

    /// Sets the terms. Returns the address space whose accesses pass, or 0 if none do; `None` if all do, as
    /// far as the gate is concerned.
    pub(super) fn settle(&mut self) -> Option<usize> {
        let own = self.suspension.map(|own| own.terms);

        self.terms = match (own, self.descriptor) {
            (None, None) => Terms::NONE,
            (Some(own), None) => own,
            (None, Some((terms, _))) => terms,
            (Some(own), Some((terms, _))) => own.and(terms),
        };
        // Who is safe from the descriptor's suspension is not from the map's own.
        if self.reach == Reach::All {
            Some(0)
        } else {
            self.descriptor.map(|(_, safe)| safe)
        }
    }
}
