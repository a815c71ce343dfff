// SPDX-License-Identifier: MIT OR Apache-2.0

//! A suspension with a deadline: who waits until then gets SIGBUS and no answer later than that, until
//! the map is redirected or resumed.

mod changes;
mod ends;
mod passed;
mod refusals;

use std::time::Duration;

use iomd::{Deadline, Map};
use rustix::process::Signal;

use crate::support::{End, User, eventually, painted, unique_shared};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(300))
}

/// Later than any test runs.
fn far() -> Deadline {
    Deadline::after(Duration::from_secs(24 * 60 * 60))
}

const PAST: Deadline = Deadline::from_nanoseconds(1);

#[track_caller]
fn suspend_until(map: &Map, deadline: Deadline) {
    map.suspend_with().deadline(deadline).run().expect("the map is suspended");
}

fn pass(deadline: Deadline) {
    eventually("the deadline passes", || deadline.has_passed());
}

/// A map of painted memory whose suspension has lasted too long.
fn expired() -> Map {
    let map = unique_shared(&painted(1, OLD));
    let deadline = Deadline::after(Duration::from_millis(1));
    suspend_until(&map, deadline);
    pass(deadline);
    map
}

/// Asserts that the map is suspended, and whether its deadline has passed.
#[track_caller]
fn assert_suspended(map: &Map, expired: bool) {
    let info = map.info().expect("a map tells about itself");
    assert!(info.suspended && !info.ended);
    assert_eq!(info.expired, expired);
}

#[track_caller]
fn assert_live(map: &Map) {
    let info = map.info().expect("a map tells about itself");
    assert!(!info.suspended && !info.expired && !info.ended);
}

#[track_caller]
fn assert_bus(user: User) {
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}
