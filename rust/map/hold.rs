// SPDX-License-Identifier: GPL-2.0

//! The steps of a switch that begin and end a map's own suspension.

use super::{held::Held, standing::Reach, switch::Switch};
use crate::{os::trace, pure::range::PageRange, suspension::Suspension};
use kernel::prelude::*;

impl Switch<'_> {
    /// The redirect to nothing that holds accesses up, if one does.
    pub(super) fn suspension(&self) -> Option<Suspension> {
        self.map().standing.lock().suspension
    }

    /// Which pages the map's own suspension holds up.
    pub(super) fn reach(&self) -> Reach {
        self.map().standing.lock().reach
    }

    /// What the map holds, as [`Held::in_pages`], to change that of these pages; `None` if it is so
    /// already, or these are all. `ENOMEM`.
    #[inline]
    pub(super) fn in_pages(&self, range: PageRange) -> Result<Option<Held>> {
        if range == self.map().range {
            Ok(None)
        } else {
            self.some_in_pages()
        }
    }

    #[inline(never)]
    fn some_in_pages(&self) -> Result<Option<Held>> {
        // Nobody else changes it, so that there is no need to allocate with the lock.
        match self.reach() {
            Reach::Nothing => Held::in_pages(self.map().range, false).map(Some),
            Reach::Pages => Ok(None),
            Reach::All => Held::in_pages(self.map().range, true).map(Some),
        }
    }

    /// Accesses to these pages wait, besides those that do already. Settles, but for the descriptor.
    ///
    /// `in_pages` is what [`Switch::in_pages`] said.
    #[inline]
    pub(super) fn hold(&self, suspension: Suspension, range: PageRange, in_pages: Option<Held>) {
        let all = range == self.map().range;

        if !all && self.reach() != Reach::All {
            let mut state = self.map().state.write();
            if let Some(held) = in_pages {
                state.held = held;
            }
            state.held.hold(range);
        }
        let (last_owner, last_reach) = self.stand(|standing| standing.hold(suspension, all));
        if all && last_reach == Reach::Pages {
            // The gate is closed to them.
            self.map().state.write().held = Held::Nothing;
        }

        trace::suspend(self.map().id());
        self.changed();
        if last_owner.is_some_and(|last| last != suspension.owner) {
            self.map().forget_reports();
        }
    }

    /// Accesses to these pages wait no more for the map's own suspension, of which `reach` says what it holds
    /// up. The gate is shut. Settles, but for the descriptor.
    ///
    /// `in_pages` is what [`Switch::in_pages`] said.
    #[inline]
    pub(super) fn let_go(&self, range: PageRange, reach: Reach, in_pages: Option<Held>) {
        let all = range == self.map().range;
        let mut is_over = true;

        if !all {
            let mut state = self.map().state.write();
            if let Some(held) = in_pages {
                state.held = held;
            }
            is_over = !state.held.let_go(range);
            if is_over {
                state.held = Held::Nothing;
            }
        } else if reach == Reach::Pages {
            self.map().state.write().held = Held::Nothing;
        }
        trace::resume(self.map().id());
        self.changed();
        self.stand(|standing| {
            if is_over {
                standing.let_all_go();
            } else {
                standing.reach = Reach::Pages;
            }
        });
    }

    /// The map's own suspension is over, if there is one: with a redirect, which tells of itself. To be
    /// settled.
    pub(super) fn let_all_go(&self) {
        self.map().state.write().held = Held::Nothing;
        self.map().standing.lock().let_all_go();
    }

    /// The suspension lasts, but otherwise. Settles, but for the descriptor.
    pub(super) fn change_suspension(&self, suspension: Suspension) {
        self.changed();
        self.stand(|standing| standing.suspension = Some(suspension));
    }
}
