// SPDX-License-Identifier: GPL-2.0

//! Which way data go between memory and device, as XNU numbers it (IODirection). Whoever prepares
//! memory is the device; tasks have the same rights.

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the memory: it is written, and can be read.
    In,
    /// Out of the memory: it is only read.
    Out,
    /// Both.
    InOut,
}

impl Direction {
    /// That of kIODirectionIn (1) and kIODirectionOut (2), or both; `None` for another number.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            3 => Some(Self::InOut),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            Self::In => 1,
            Self::Out => 2,
            Self::InOut => 3,
        }
    }

    /// Whether the memory is written.
    pub fn writes(self) -> bool {
        self != Self::Out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_has_a_number() {
        for number in 0..8 {
            let direction = Direction::from_number(number);
            assert_eq!(direction.is_some(), (1..=3).contains(&number));
            if let Some(direction) = direction {
                assert_eq!(direction.number(), number);
                assert_eq!(direction.writes(), number & 1 != 0);
            }
        }
    }
}
