// SPDX-License-Identifier: GPL-2.0

//! Faults that an entry for a whole piece answers, one of the page table's next level.

use super::{held::Held, Map, State};
use crate::{
    descriptor::memory::Pages,
    os::{
        fault::{Fault, Outcome},
        fault_count::Counted,
        folio::PIECE,
        pages::{Page, PageRef},
    },
    pure::range::PageRange,
};

impl Map {
    /// Serves what most faults of a map of pieces are: of a buffer, that has the piece, and that nothing
    /// holds up. Gives any other back.
    #[inline(always)]
    pub(super) fn piece_at_once<'a>(
        &self,
        fault: Fault<'a>,
    ) -> core::result::Result<Outcome, Fault<'a>> {
        let Some(first) = fault.piece().filter(|_| !self.unpinnable) else {
            return Err(fault);
        };
        let Some(state) = self.enter(fault.address_space()) else {
            return Err(fault);
        };
        if state.ended || !matches!(state.held, Held::Nothing) {
            return Err(fault);
        }
        let part = state.part.as_ref();
        let Some((buffer, index)) = part
            .filter(|part| part.range().pages().saturating_sub(first) >= PIECE)
            .and_then(|part| part.in_buffer(first))
        else {
            return Err(fault);
        };
        let Some(pages) = buffer.try_pages() else {
            return Err(fault);
        };
        let Some(piece) = pages.piece(index) else {
            return Err(fault);
        };
        let counted = self.served(
            &state,
            fault.page(),
            state.local().course().after(first, PIECE),
        );
        // As for a page, `state` is held until the entry is in.
        Ok(self.insert_piece(fault, counted, &piece))
    }

    /// Puts an entry for a piece in, as [`Map::fault`] does those for pages.
    pub(super) fn insert_piece(&self, fault: Fault<'_>, counted: Counted, piece: &Page) -> Outcome {
        // Between the look at the page table and the entry nobody puts one for a page in.
        let _alone = self.pieces.write();
        fault.insert_piece(counted, piece)
    }
}

/// The piece that an entry is to show, if a fault can be served by an entry for a piece, and which of the
/// map's pages is its first. `pages` are those of the wanted page.
pub(super) fn wanted<'a>(
    fault: &Fault<'_>,
    state: &State,
    pages: &'a Pages<'_>,
) -> Option<(usize, PageRef<'a>)> {
    let shown = PageRange::new(fault.piece()?, PIECE)?;
    let place = state.part.as_ref()?.place(shown.start())?;

    if place.pages < PIECE || state.held.holds_any(shown) {
        return None;
    }
    Some((shown.start(), pages.piece(place.page)?))
}
