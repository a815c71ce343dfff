// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a fuzzer does: bytes, each of which decides something.

use std::fmt::{self, Display, Formatter};
use std::num::ParseIntError;
use std::str::FromStr;

use fastrand::Rng;

/// Bytes of a program at most: some forty steps.
const LENGTH: usize = 160;

#[derive(Clone, PartialEq, Eq)]
pub struct Program(Vec<u8>);

impl Program {
    /// A new one, or most often one of the corpus, with changes.
    pub fn varied(corpus: &[Self], random: &mut Rng) -> Self {
        let mut bytes = match random.choice(corpus) {
            Some(program) if random.u8(..) > 32 => program.0.clone(),
            _ => (0..LENGTH / 2).map(|_| random.u8(..)).collect(),
        };
        for _ in 0..random.usize(1..8) {
            let place = random.usize(..=bytes.len());
            match random.u8(..4) {
                0 => bytes.insert(place, random.u8(..)),
                1 if place < bytes.len() => bytes[place] = random.u8(..),
                2 if place < bytes.len() => drop(bytes.remove(place)),
                _ => {
                    // The end of another.
                    let other = random.choice(corpus).map_or(&[][..], |program| &program.0);
                    bytes.truncate(place);
                    bytes.extend(&other[random.usize(..=other.len())..]);
                }
            }
        }
        bytes.truncate(LENGTH);
        Self(bytes)
    }

    pub fn decisions(&self) -> Decisions<'_> {
        Decisions(&self.0)
    }
}

impl Display for Program {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Program {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let pairs = (0..text.len() / 2).map(|pair| &text[2 * pair..2 * pair + 2]);
        pairs.map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>().map(Self)
    }
}

/// The decisions of a program that are still to be made.
pub struct Decisions<'a>(&'a [u8]);

impl Decisions<'_> {
    pub fn are_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }
}
