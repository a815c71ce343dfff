// SPDX-License-Identifier: GPL-2.0

//! The states of IOMemoryDescriptor::setPurgeable, and what it takes to go from one to another.

/// Whether memory may be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purgeable {
    /// It may not.
    NonVolatile,
    /// It may, when the system needs it.
    Volatile,
    /// It was.
    Empty,
}

/// What a change takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// The memory is offered to who needs it.
    Offer,
    /// It is no more.
    Keep,
    /// It is taken away now.
    Take,
    /// There is memory again, all zeros.
    Restore,
}

impl Purgeable {
    /// The state of memory of which some is in one and some in another: the worse.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, _) | (_, Self::Empty) => Self::Empty,
            (Self::Volatile, _) | (_, Self::Volatile) => Self::Volatile,
            (Self::NonVolatile, Self::NonVolatile) => Self::NonVolatile,
        }
    }

    /// The rule. What is gone stays gone until it is asked for to be kept.
    pub fn step(self, wanted: Self) -> Step {
        match (self, wanted) {
            (Self::NonVolatile, Self::Volatile) => Step::Offer,
            (Self::Volatile, Self::NonVolatile) => Step::Keep,
            (Self::NonVolatile | Self::Volatile, Self::Empty) => Step::Take,
            (Self::Empty, Self::NonVolatile) => Step::Restore,
            (Self::NonVolatile, Self::NonVolatile)
            | (Self::Volatile, Self::Volatile)
            | (Self::Empty, Self::Volatile | Self::Empty) => Step::Stay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Purgeable; 3] = [
        Purgeable::NonVolatile,
        Purgeable::Volatile,
        Purgeable::Empty,
    ];

    fn after(state: Purgeable, step: Step) -> Purgeable {
        match step {
            Step::Stay => state,
            Step::Offer => Purgeable::Volatile,
            Step::Keep | Step::Restore => Purgeable::NonVolatile,
            Step::Take => Purgeable::Empty,
        }
    }

    #[test]
    fn a_step_leads_where_it_was_wanted_to() {
        for state in STATES {
            for wanted in STATES {
                let reached = after(state, state.step(wanted));
                let gone = state == Purgeable::Empty && wanted == Purgeable::Volatile;
                assert_eq!(reached, if gone { state } else { wanted }, "{state:?}");
            }
        }
    }

    #[test]
    fn only_what_is_gone_is_restored() {
        for state in STATES {
            for wanted in STATES {
                let restored = state.step(wanted) == Step::Restore;
                assert_eq!(
                    restored,
                    state == Purgeable::Empty && wanted == Purgeable::NonVolatile
                );
            }
        }
    }
}
