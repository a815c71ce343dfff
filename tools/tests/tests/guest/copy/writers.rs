// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that write a memory so that something is true of it at every moment.

use std::array;

use iomd::{Map, Mapping};
use rustix::process::Signal;

use crate::support::{Child, End, PAGE, Region, soon};

/// Pages of the memory.
pub const PAGES: usize = 64;

/// The word of each page that each writer writes.
const CHAINS: [usize; 2] = [0, 8];
/// The first writer counts here, and the second writes there what it reads of it.
const LEADER: usize = 16;
const FOLLOWER: usize = (PAGES - 1) * PAGE + 24;

/// Bytes at the start of each page in which all this is.
const USED: usize = 32;

/// Two processes that write one memory for ever, each through a map of its own.
pub struct Writers([Child; 2]);

impl Writers {
    /// Lets them begin. The memory is zeros.
    pub fn of(maps: &[Map; 2]) -> Self {
        Self(array::from_fn(|number| {
            let child = Child::fork(|parent| {
                let region = Region::from(maps[number].mmap().unwrap());
                parent.close_all_others();
                parent.say(0);
                write_for_ever(region, number);
            });
            child.hear();
            child
        }))
    }

    /// Waits until both have written all pages since, as a window shows.
    #[track_caller]
    pub fn go_on(&self, window: &Mapping) {
        let last = |window: &Mapping| CHAINS.map(|word| window.load_u64((PAGES - 1) * PAGE + word));
        let before = last(window);
        // One round may have been under way already.
        soon("the writers go on", || {
            last(window).iter().zip(before).all(|(now, before)| *now >= before + 2)
        });
    }

    /// Ends them. They must not have ended before, as they do when they do not read what they wrote.
    pub fn dismiss(self) {
        for writer in self.0 {
            assert_eq!(writer.kill(), End::Killed(Signal::KILL));
        }
    }
}

fn write_for_ever(region: Region, number: usize) {
    let mut count = 0;
    for round in 1.. {
        for page in 0..PAGES {
            let place = page * PAGE + CHAINS[number];
            let before = region.read(place);
            if before != round - 1 {
                eprintln!("writer {number}, page {page}: {before} instead of {}", round - 1);
                std::process::exit(1);
            }
            region.write(place, round);
            if number == 0 {
                count += 1;
                region.write(LEADER, count);
            } else {
                region.write(FOLLOWER, region.read(LEADER));
            }
        }
    }
}

/// What a copy of the memory has of it.
#[derive(Debug)]
pub struct Copy {
    chains: [[u64; PAGES]; 2],
    leader: u64,
    follower: u64,
}

impl Copy {
    /// The copy in a memory that nobody writes.
    pub fn in_window(window: &Mapping) -> Self {
        Self::new(|offset| window.load_u64(offset))
    }

    /// A copy made as one does without iomd: byte after byte, of memory that is written.
    pub fn plain(window: &Mapping) -> Self {
        let mut bytes = vec![0; window.len()];
        window.read_bytes(0, &mut bytes);
        Self::new(|offset| {
            u64::from_ne_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
        })
    }

    pub fn new(word: impl Fn(usize) -> u64) -> Self {
        Self {
            chains: CHAINS.map(|chain| array::from_fn(|page| word(page * PAGE + chain))),
            leader: word(LEADER),
            follower: word(FOLLOWER),
        }
    }

    /// Whether the memory was never like this.
    pub fn is_torn(&self) -> bool {
        // A writer is somewhere in its round: what it has written already is of this round, the rest
        // of the one before.
        let is_torn = |chain: &[u64; PAGES]| {
            !chain.is_sorted_by(|one, next| one >= next) || chain[0] - chain[PAGES - 1] > 1
        };
        self.chains.iter().any(is_torn) || self.follower > self.leader
    }
}

const POISON: u64 = 0xdead_dead_dead_dead;

/// Overwrites all that the writers write.
pub fn poison(window: &Mapping) {
    for offset in used() {
        window.store_u64(offset, POISON);
    }
}

/// Whether nothing of the poison was overwritten.
pub fn is_poison(window: &Mapping) -> bool {
    used().all(|offset| window.load_u64(offset) == POISON)
}

fn used() -> impl Iterator<Item = usize> {
    (0..PAGES * PAGE).step_by(PAGE).flat_map(|page| (page..page + USED).step_by(8))
}
