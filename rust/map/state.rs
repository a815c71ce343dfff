// SPDX-License-Identifier: GPL-2.0

//! What a map shows, as it changes.

use super::held::Held;
use crate::{descriptor::Part, suspension::Terms};

/// What a map shows.
pub(super) struct State {
    /// `None` only before the map is made and after it retired.
    pub(super) part: Option<Part>,
    /// Which pages the map's own suspension holds up, if not all.
    pub(super) held: Held,
    /// For good.
    pub(super) ended: bool,
}

impl State {
    /// Shows `part`. Returns what it showed before.
    pub(super) fn show(&mut self, part: Part) -> Option<Part> {
        if self.ended {
            // Perhaps retired, which nothing would take the part out of again.
            Some(part)
        } else {
            self.part.replace(part)
        }
    }

    /// [`Part::suspension`] of what it shows.
    pub(super) fn suspension(&self) -> Option<(Terms, usize)> {
        self.part.as_ref().and_then(Part::suspension)
    }
}
