// SPDX-License-Identifier: GPL-2.0

//! The life of a fault: it inserts, or it waits and then happens again.

use super::{held::Held, piece, wait::Entered, waiters::Report, Map};
use crate::{
    descriptor::memory::{Pages, Place},
    os::{
        fault::{Fault, Outcome},
        fault_count::Counted,
        folio::PIECE,
        run::Run,
        task::Pid,
        trace,
        wait::Sleep,
    },
    pure::{wait::Verdict, window::Course},
};
use core::iter;

impl Map {
    /// Serves an access that found no page-table entry.
    #[inline(always)]
    pub(super) fn fault(&self, fault: Fault<'_>) -> Outcome {
        let served = if fault.wants_piece() {
            self.piece_at_once(fault)
        } else {
            self.page_at_once(fault)
        };

        served.unwrap_or_else(|fault| self.fault_otherwise(fault))
    }

    /// Serves what most faults are: for one page, of a buffer, that has memory, and that nothing holds up.
    /// Gives any other back.
    #[inline(always)]
    fn page_at_once<'a>(&self, fault: Fault<'a>) -> core::result::Result<Outcome, Fault<'a>> {
        let page = fault.page();
        let Some(state) = self.enter(fault.address_space()) else {
            return Err(fault);
        };
        if !state.local().course().is_left_at(page)
            || state.ended
            || !matches!(state.held, Held::Nothing)
        {
            return Err(fault);
        }
        let Some((buffer, index)) = state.part.as_ref().and_then(|part| part.in_buffer(page))
        else {
            return Err(fault);
        };
        let Some(pages) = buffer.try_pages() else {
            return Err(fault);
        };
        let Some(memory) = pages.single(index) else {
            return Err(fault);
        };
        let counted = self.served(&state, page, Course::anew(page));
        // `state` is held until the entry is in, so that a switch that closes the gate now drains us
        // before it zaps.
        Ok(if self.unpinnable {
            fault.insert_special(counted, memory.physical_address(), iter::empty())
        } else {
            fault.insert_page(counted, &memory)
        })
    }

    /// Serves every fault.
    #[inline(never)]
    fn fault_otherwise(&self, mut fault: Fault<'_>) -> Outcome {
        loop {
            let wanted = fault.page();
            let entered = self.enter(fault.address_space());
            let Some(state) = entered.filter(|state| !state.held.holds(wanted)) else {
                if self.has_ended() {
                    return fault.sigbus();
                }
                match self.wait(fault) {
                    Ok(outcome) => return outcome,
                    Err(again) => fault = again,
                }
                continue;
            };
            if state.ended {
                return fault.sigbus();
            }
            let Some(place) = state.part.as_ref().and_then(|part| part.place(wanted)) else {
                return fault.sigbus();
            };
            let Some(pages) = place.leaf.store().try_pages() else {
                // They are just being taken away, or looked at for that.
                let leaf = place.leaf.clone();
                drop(state);
                return fault.retry_after(|| leaf.store().wait());
            };
            // Also for who only reads now: the entry could be written later without a fault.
            if !self.options.is_read_only() && place.is_awaited(&pages) {
                let (leaf, index) = (place.leaf.clone(), place.page);
                drop(pages);
                drop(state);
                leaf.copy_before_write(index);
                continue;
            }
            // As above, `state` is held until the entries are in.
            match self.insert(fault, &state, &place, &pages) {
                Ok(outcome) => return outcome,
                Err(again) => fault = again,
            }
            // First touch. Memory is allocated without the lock: whoever waits for it to be free
            // must not wait for reclaim.
            let (leaf, index) = (place.leaf.clone(), place.page);
            drop(pages);
            drop(state);
            if leaf.populate(index).is_err() {
                return fault.sigbus();
            }
        }
    }

    /// Puts entries in: that which is asked for, and those after it that are wanted soon. Gives the fault
    /// back if there is no memory yet.
    fn insert<'a>(
        &self,
        fault: Fault<'a>,
        state: &Entered<'_>,
        place: &Place<'_>,
        pages: &Pages<'_>,
    ) -> core::result::Result<Outcome, Fault<'a>> {
        let wanted = fault.page();
        let course = state.local().course();
        let most = if fault.wants_piece() {
            // Its first page tells.
            1
        } else {
            let most = fault.rest_of(course.window(wanted)).min(place.pages);
            state.held.free(wanted, most)
        };
        let most = if pages.are_copied() && !self.options.is_read_only() {
            place.copied(most)
        } else {
            most
        };

        if self.unpinnable || pages.are_special() {
            let Some(address) = pages.address(place.page) else {
                return Err(fault);
            };
            if fault.wants_piece() {
                return Ok(fault.fall_back());
            }
            let counted = self.served(state, wanted, course.after(wanted, most));
            let following = pages.addresses(place.page.saturating_add(1), most.saturating_sub(1));
            return Ok(fault.insert_special(counted, address, following));
        }

        let mut run = Run::new();
        pages.load(&mut run, place.page, most);
        let Some(page) = run.first() else {
            return Err(fault);
        };
        if fault.wants_piece() {
            return Ok(match piece::wanted(&fault, state, pages) {
                Some((first, piece)) => {
                    let counted = self.served(state, wanted, course.after(first, PIECE));
                    self.insert_piece(fault, counted, &piece)
                }
                None => fault.fall_back(),
            });
        }
        // Its piece can be there already, or comes just now.
        let no_piece = page.is_in_piece().then(|| self.pieces.read());
        if no_piece.is_some() && fault.has_piece() {
            return Ok(fault.happen_again());
        }
        let counted = self.served(state, wanted, course.after(wanted, most));
        Ok(
            fault.insert(counted, &mut run, most, |run, distance, most| {
                pages.load(run, place.page.saturating_add(distance), most);
            }),
        )
    }

    #[inline(always)]
    pub(super) fn served(&self, state: &Entered<'_>, page: usize, course: Course) -> Counted {
        trace::fault(self.id(), page);
        state.local().served(course)
    }

    /// The gate is closed, or the page held: sleeps, if this access may, until neither is so, the
    /// map has ended, or the deadline has passed. Gives the fault back if neither is so any more.
    fn wait<'a>(&self, fault: Fault<'a>) -> core::result::Result<Outcome, Fault<'a>> {
        let (page, address_space) = (fault.page(), fault.address_space());
        let verdict = self.verdict(address_space, page, |privileged| fault.access(privileged));
        let sleep = match verdict {
            None => return Err(fault),
            Some(Verdict::RetryAtOnce) => return Ok(fault.retry_without_wait()),
            Some(Verdict::Refuse) => return Ok(fault.sigbus()),
            Some(Verdict::SleepInterruptible) => Sleep::Interruptible,
            Some(Verdict::SleepKillable) => Sleep::Killable,
        };
        let report = Report {
            page,
            address: fault.address(),
            write: fault.is_write(),
            thread: Pid::current_thread(),
        };
        let released = match fault.release() {
            Ok(released) => released,
            Err(fault) => return Ok(fault.sigbus()),
        };
        // However it ended, the access happens again: then it is served, or gets SIGBUS, or waits
        // again after a signal's handler ran, or its task dies first.
        let _ = self.sleep(sleep, address_space, report);
        Ok(released.retry())
    }
}
