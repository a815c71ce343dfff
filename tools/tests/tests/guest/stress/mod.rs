// SPDX-License-Identifier: MIT OR Apache-2.0

//! Everything at random, from several processes, over maps that they share; and a model beside it,
//! which knows what every access may see.
//!
//! It goes by rounds. Each begins with new memory, maps and processes, and ends when all processes have
//! done their steps: what they do depends on the round's seed, and only in which order on the
//! scheduler. The test serves whoever waits, by resuming what is suspended, once for each suspension; so
//! who misses that sleeps on, and fails the round.
//!
//! `IOMD_STRESS_ROUNDS` says how many rounds, `IOMD_STRESS_SEED` which. With `IOMD_STRESS_ONLY` all rounds
//! have that seed.

mod cells;
mod children;
mod controls;
mod history;
mod process;
mod round;

use std::env;

use crate::support::scaled;
pub use cells::{Cell, Cells, Words};

/// Memories that the maps are switched among, and their pages.
const MEMORIES: usize = 4;
const MEMORY_PAGES: usize = 6;

/// Maps, and their pages. They begin at any page of a memory.
const MAPS: usize = 4;
const MAP_PAGES: usize = 4;

/// The map that ends in the middle of a round.
const MORTAL: usize = MAPS - 1;

const PROCESSES: usize = 4;

/// What each of them does in a round.
const STEPS: usize = 150;

/// In `make test`, and on kernels on which it takes long.
const ROUNDS: u64 = 10;
const FEW: u64 = 4;

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn every_access_sees_what_the_model_allows() {
    let rounds = setting("IOMD_STRESS_ROUNDS").unwrap_or(scaled(ROUNDS).max(FEW));
    let first = setting("IOMD_STRESS_SEED").unwrap_or(1);
    let only = setting("IOMD_STRESS_ONLY");
    let history = history::History::new();
    let mut total = round::Counts::default();
    for round in 0..rounds {
        let counts = round::run(history, only.unwrap_or(first + round));
        total.redirects += counts.redirects;
        total.faults += counts.faults;
        total.waits += counts.waits;
    }
    println!(
        "stress: {rounds} rounds: {} redirects, {} faults, {} waits",
        total.redirects, total.faults, total.waits
    );
    assert!(total.waits > rounds, "hardly anybody waits");
}
