// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages of a map are suspended and resumed one by one, and whoever serves them is told who waits.

mod ranges;
mod reports;
mod serving;

use iomd::Map;

use crate::support::PAGE;

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Suspends pages of a map.
#[track_caller]
fn suspend(map: &Map, first: usize, pages: usize) {
    let range = map.suspend_with().range((first * PAGE) as u64, (pages * PAGE) as u64);
    range.run().expect("pages are suspended");
}

/// Resumes pages of a map.
#[track_caller]
fn resume(map: &Map, first: usize, pages: usize) {
    map.resume_range((first * PAGE) as u64, (pages * PAGE) as u64).expect("pages are resumed");
}
