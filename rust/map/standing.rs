// SPDX-License-Identifier: GPL-2.0

//! How accesses to a map stand, as far as that does not differ from page to page: what holds them up, and on
//! what terms they wait.

use crate::suspension::{Suspension, Terms};

/// See the module's documentation. Changed, together with the gate, by who has the control mutex.
pub(super) struct Standing {
    /// By a redirect to nothing.
    pub(super) suspension: Option<Suspension>,
    /// It holds all pages up, and not only [some](super::State::held).
    pub(super) holds_all: bool,
    /// On which accesses wait that something holds up.
    pub(super) terms: Terms,
}

impl Standing {
    /// All pass.
    pub(super) const PASS: Self = Self {
        suspension: None,
        holds_all: false,
        terms: Terms::NONE,
    };

    /// Accesses wait as `suspension` says, to all pages or, besides those that do already, to some. Returns
    /// the suspension that there was.
    pub(super) fn hold(&mut self, mut suspension: Suspension, all: bool) -> Option<Suspension> {
        // It goes on, and so does what those before could not do.
        if let Some(last) = &self.suspension {
            suspension.terms.kernel_may_wait &= last.terms.kernel_may_wait;
        }
        self.holds_all |= all;
        self.suspension.replace(suspension)
    }

    /// The map's own suspension is over, if there is one.
    pub(super) fn let_all_go(&mut self) {
        self.holds_all = false;
        self.suspension = None;
    }

    /// Sets the terms, if a descriptor's suspension is as it says. Returns the address space whose accesses
    /// pass, or 0 if none do; `None` if all do, as far as the gate is concerned.
    pub(super) fn settle(&mut self, descriptor: Option<(Terms, usize)>) -> Option<usize> {
        let own = self.suspension.map(|own| own.terms);

        self.terms = match (own, descriptor) {
            (None, None) => Terms::NONE,
            (Some(own), None) => own,
            (None, Some((terms, _))) => terms,
            (Some(own), Some((terms, _))) => own.and(terms),
        };
        // Who is safe from the descriptor's suspension is not from the map's own.
        if self.holds_all {
            Some(0)
        } else {
            descriptor.map(|(_, safe)| safe)
        }
    }
}
