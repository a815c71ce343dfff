// SPDX-License-Identifier: GPL-2.0

//! What a map shows and which accesses wait, as it changes.

use super::held::Held;
use crate::{
    descriptor::{Descriptor, Part},
    pure::range::PageRange,
    registry::Strong,
    suspension::{Suspension, Terms},
};

/// What a map shows.
pub(super) struct State {
    /// `None` only before the map is made and after it retired.
    pub(super) part: Option<Part>,
    /// By a redirect to nothing.
    pub(super) suspension: Option<Suspension>,
    /// Which pages it holds up: none without it.
    pub(super) held: Held,
    /// For good.
    pub(super) ended: bool,
}

/// Which accesses pass, and on what terms the others wait.
pub(super) struct Standing {
    /// The address space whose accesses pass, or 0 if none do; `None` if all do, as far as the gate is
    /// concerned.
    pub(super) safe: Option<usize>,
    pub(super) terms: Terms,
}

impl State {
    /// Whose memory these pages of the map show, and which.
    pub(super) fn shown(&self, range: PageRange) -> Option<(Strong<Descriptor>, PageRange)> {
        let part = self.part.as_ref()?;

        Some((
            part.descriptor().clone(),
            part.range().slice(range.start(), range.pages())?,
        ))
    }

    /// Shows `part`. Returns what it showed before.
    pub(super) fn show(&mut self, part: Part) -> Option<Part> {
        if self.ended {
            // Perhaps retired, which nothing would take the part out of again.
            Some(part)
        } else {
            self.part.replace(part)
        }
    }

    /// Accesses to these pages of a map wait, besides those that do already. Returns the suspension that
    /// there was.
    ///
    /// `in_pages` is what [`super::switch::Switch::in_pages`] said, unless these are all pages.
    pub(super) fn hold(
        &mut self,
        suspension: Suspension,
        range: PageRange,
        map: PageRange,
        in_pages: Option<Held>,
    ) -> Option<Suspension> {
        if range == map {
            self.held = Held::All;
        } else if !matches!(self.held, Held::All) {
            if let Some(held) = in_pages {
                self.held = held;
            }
            self.held.hold(range);
        }
        self.suspension.replace(suspension)
    }

    /// Accesses to these pages of a map wait no more for its own suspension.
    ///
    /// `in_pages` as of [`State::hold`].
    pub(super) fn let_go(&mut self, range: PageRange, map: PageRange, in_pages: Option<Held>) {
        if let Some(held) = in_pages {
            self.held = held;
        }
        if range == map || !self.held.let_go(range) {
            self.let_all_go();
        }
    }

    /// The map's own suspension is over, if there is one.
    pub(super) fn let_all_go(&mut self) {
        self.held = Held::Nothing;
        self.suspension = None;
    }

    /// Which accesses pass, and how the others wait.
    pub(super) fn standing(&self) -> Standing {
        let own = self.suspension.map(|own| own.terms);
        let descriptor = self.part.as_ref().and_then(Part::suspension);
        // Who is safe from the descriptor's suspension is not from the map's own.
        let safe = if matches!(self.held, Held::All) {
            Some(0)
        } else {
            descriptor.as_ref().map(|(_, safe)| *safe)
        };
        let terms = match (own, descriptor) {
            (None, None) => Terms::NONE,
            (Some(own), None) => own,
            (None, Some((terms, _))) => terms,
            (Some(own), Some((terms, _))) => own.and(terms),
        };

        Standing { safe, terms }
    }
}
