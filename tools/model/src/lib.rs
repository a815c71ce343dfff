// SPDX-License-Identifier: MIT OR Apache-2.0

//! The protocol of a redirect against faults, fork and munmap, as a model: every order in which
//! their steps can come is tried.
//!
//! A step is what happens at once for all others, and nothing larger: one page table's entry is taken
//! away or put in, one word is read or written, a lock is taken or let go. What the module does is as in
//! `rust/map/`, what the kernel does as in its source; [`Omission`] names the rules that all this rests
//! on, so that a test can leave each one out and see the model find the bug.
//!
//! One map is mapped in a process, which forks and then unmaps it while a controller redirects
//! the map; threads of both processes access it.
//!
//! A model of its own, [`making`], is of a copy and a map that is just being made.

mod access;
mod controller;
pub mod making;
mod process;
mod state;

pub use state::{State, Step};

use stateright::{Model, Property};

/// A rule that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// The controller takes entries away before it closes the gate.
    ZapBeforeGate,
    /// The controller does not wait for those who have passed the gate.
    Drain,
    /// A fault does not look at the gate again when it has the lock.
    SecondLook,
    /// A fault inserts without the lock.
    InsertUnderLock,
    /// Who is about to sleep does not look at the gate again once he can be woken.
    LookBeforeSleep,
    /// The controller wakes nobody.
    Wake,
    /// The controller wakes before it opens the gate.
    OpenBeforeWake,
    /// Fork: the child's mapping is found by a zap only after its entries were copied.
    ForkLinksFirst,
    /// Fork: a zap comes to the child before the parent.
    ZapParentFirst,
    /// munmap: the mapping cannot be found by a zap any more when its entries are taken away.
    UnmapClearsFirst,
    /// munmap: nor when processors forget them. (CVE-2022-39188, of mappings that are neither
    /// VM_PFNMAP nor VM_MIXEDMAP.)
    UnmapFlushesFirst,
    /// A zap that finds no entry does not flush, although munmap has just taken it and not flushed yet.
    FlushForOthers,
}

/// The protocol, as it ships or with a rule left out.
#[derive(Clone, Debug, Default)]
pub struct Protocol {
    /// What is left out.
    pub omission: Option<Omission>,
}

impl Protocol {
    fn keeps(&self, rule: Omission) -> bool {
        self.omission != Some(rule)
    }
}

/// No access reaches the old memory once redirect has returned.
pub const NO_STALE_ENTRY: &str = "no stale entry after redirect has returned";
/// Nobody sleeps for ever.
pub const NO_LOST_WAKE_UP: &str = "no lost wake-up";
/// Everything comes to its end in some order: the model is not stuck for a reason of its own.
pub const ALL_DONE: &str = "all get done";

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend(Step::all().filter(|&step| self.next_state(state, step).is_some()));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut next = last.clone();
        let done = match step {
            Step::Controller => self.control(&mut next),
            Step::Fork => self.fork(&mut next),
            Step::Unmap => self.unmap(&mut next),
            Step::Access(thread) => self.access(&mut next, thread),
        };

        done.then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_STALE_ENTRY, |_, state: &State| {
                !state.has_returned() || !state.reaches_old_memory()
            }),
            Property::always(NO_LOST_WAKE_UP, |model: &Self, state: &State| {
                let mut steps = Vec::new();
                model.actions(state, &mut steps);
                !steps.is_empty() || state.is_all_done()
            }),
            Property::sometimes(ALL_DONE, |_, state: &State| state.is_all_done()),
        ]
    }
}
