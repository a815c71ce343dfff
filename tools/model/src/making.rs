// SPDX-License-Identifier: MIT OR Apache-2.0

//! An atomic copy while a map of its source is just being made: `rust/descriptor/copy.rs`,
//! `rust/descriptor/observers.rs` and `rust/map/create.rs`.
//!
//! Through the new map the first page is written and then the last, with the same number; the copy is from
//! the first to the last. So a copy that has the number in the last page alone is torn.

use stateright::{Model, Property};

/// A rule that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// The map's state is locked only when the descriptor knows of the map already.
    LockBeforeAttach,
    /// The copy asks who shows the memory before it claims that.
    ClaimBeforeCollect,
    /// Somebody who can write memory that is claimed is let in.
    RefuseWhileClaimed,
    /// The copy does not suspend.
    Suspend,
}

/// The two, as they ship or with a rule left out.
#[derive(Clone, Debug, Default)]
pub struct Making {
    /// What is left out.
    pub omission: Option<Omission>,
}

/// No copy has what there never was at one moment.
pub const NOT_TORN: &str = "no copy is torn";
/// A copy finds the map and suspends it.
pub const SUSPENDED: &str = "a copy suspends the new map";
/// The map comes too late.
pub const REFUSED: &str = "the new map is refused";
/// Both come to an end.
pub const ALL_DONE: &str = "all get done";

/// What who makes the map does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Maker {
    /// Lock the map's state for writing.
    #[default]
    Lock,
    /// Put the map on the descriptor's list, unless the memory is claimed.
    Attach,
    /// Have the map show the memory, and unlock its state.
    Show,
    WriteFirst,
    WriteLast,
    Done,
}

/// What who copies does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Copier {
    #[default]
    Claim,
    /// Take from the list who shows the memory.
    Collect,
    /// See whether the map that was found does, with its state locked for reading, and suspend it then.
    Look,
    CopyFirst,
    CopyLast,
    /// Resume, and give the claim back.
    Resume,
    Done,
}

/// All there is at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    maker: Maker,
    copier: Copier,
    /// Of the map.
    is_locked: bool,
    is_attached: bool,
    shows: bool,
    is_suspended: bool,
    was_suspended: bool,
    was_refused: bool,
    /// Of the descriptor.
    is_claimed: bool,
    was_found: bool,
    /// The first page and the last.
    memory: [bool; 2],
    copy: [bool; 2],
}

/// Who does the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Who makes the map, and writes through it.
    Maker,
    /// Who copies.
    Copier,
}

impl Making {
    fn keeps(&self, rule: Omission) -> bool {
        self.omission != Some(rule)
    }

    /// The maker's next step; false if he has to wait, or is done.
    fn make(&self, state: &mut State) -> bool {
        let first = self.keeps(Omission::LockBeforeAttach);

        state.maker = match state.maker {
            Maker::Lock => {
                state.is_locked = true;
                if first { Maker::Attach } else { Maker::Show }
            }
            Maker::Attach if state.is_claimed && self.keeps(Omission::RefuseWhileClaimed) => {
                state.is_locked = false;
                state.was_refused = true;
                Maker::Done
            }
            Maker::Attach => {
                state.is_attached = true;
                if first { Maker::Show } else { Maker::Lock }
            }
            Maker::Show => {
                state.shows = true;
                state.is_locked = false;
                Maker::WriteFirst
            }
            Maker::WriteFirst | Maker::WriteLast if state.is_suspended => return false,
            Maker::WriteFirst => {
                state.memory[0] = true;
                Maker::WriteLast
            }
            Maker::WriteLast => {
                state.memory[1] = true;
                Maker::Done
            }
            Maker::Done => return false,
        };
        true
    }

    /// The copier's next step; false if he has to wait, or is done.
    fn copy(&self, state: &mut State) -> bool {
        let first = self.keeps(Omission::ClaimBeforeCollect);

        state.copier = match state.copier {
            Copier::Claim => {
                state.is_claimed = true;
                if first { Copier::Collect } else { Copier::Look }
            }
            Copier::Collect => {
                state.was_found = state.is_attached;
                if first { Copier::Look } else { Copier::Claim }
            }
            Copier::Look if state.was_found && state.is_locked => return false,
            Copier::Look => {
                let is_writer = state.was_found && state.shows;
                state.is_suspended = is_writer && self.keeps(Omission::Suspend);
                state.was_suspended = state.is_suspended;
                Copier::CopyFirst
            }
            Copier::CopyFirst => {
                state.copy[0] = state.memory[0];
                Copier::CopyLast
            }
            Copier::CopyLast => {
                state.copy[1] = state.memory[1];
                Copier::Resume
            }
            Copier::Resume => {
                state.is_suspended = false;
                state.is_claimed = false;
                Copier::Done
            }
            Copier::Done => return false,
        };
        true
    }
}

impl State {
    fn is_all_done(&self) -> bool {
        self.maker == Maker::Done && self.copier == Copier::Done
    }
}

impl Model for Making {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let maker =
            if self.keeps(Omission::LockBeforeAttach) { Maker::Lock } else { Maker::Attach };
        let copier =
            if self.keeps(Omission::ClaimBeforeCollect) { Copier::Claim } else { Copier::Collect };

        vec![State { maker, copier, ..State::default() }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let all = [Step::Maker, Step::Copier];

        steps.extend(all.into_iter().filter(|&step| self.next_state(state, step).is_some()));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut next = last.clone();
        let done = match step {
            Step::Maker => self.make(&mut next),
            Step::Copier => self.copy(&mut next),
        };

        done.then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NOT_TORN, |_, state: &State| state.copy != [false, true]),
            Property::sometimes(SUSPENDED, |_, state: &State| state.was_suspended),
            Property::sometimes(REFUSED, |_, state: &State| state.was_refused),
            Property::sometimes(ALL_DONE, |_, state: &State| state.is_all_done()),
        ]
    }
}
