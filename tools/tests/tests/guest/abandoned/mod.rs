// SPDX-License-Identifier: MIT OR Apache-2.0

//! What becomes of a suspension whose owner is gone: the open file through which it was made, with all
//! that refer to it. And other handles of a map.

mod moments;
mod owners;
mod refusals;
mod reopen;
mod ways;

use iomd::IfAbandoned::{Resume, Sigbus, Stay};
use iomd::{IfAbandoned, Map};
use rustix::process::Signal;

use crate::support::{Channel, Child, End, User, await_waiters};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

const POLICIES: [IfAbandoned; 3] = [Stay, Sigbus, Resume];

/// Suspends the map through that handle.
#[track_caller]
fn suspend(handle: &Map, if_abandoned: IfAbandoned) {
    handle.suspend_with().if_abandoned(if_abandoned).run().expect("the map is suspended");
}

/// Another handle of the map, through which it is suspended.
#[track_caller]
fn owner(map: &Map, if_abandoned: IfAbandoned) -> Map {
    let own = map.reopen().expect("a map can be reopened");
    suspend(&own, if_abandoned);
    own
}

/// A process that has such a handle and no other file of the map. What it does then ends when it is
/// told to.
fn owning_process(map: &Map, if_abandoned: IfAbandoned, then: fn(&Channel, Map)) -> Child {
    let child = Child::fork(|parent| {
        parent.close_all_others();
        let own: Map = parent.receive();
        suspend(&own, if_abandoned);
        parent.say(0);
        then(parent, own);
    });
    child.send(map.reopen().expect("a map can be reopened"));
    child.hear();
    child
}

/// Keeps the handle until the process is told to go.
fn until_told(parent: &Channel, _own: Map) {
    parent.hear();
}

/// A process that has all files of this one, and does nothing.
fn idle() -> Child {
    Child::fork(|parent| {
        parent.hear();
    })
}

#[track_caller]
fn assert_live(map: &Map) {
    let info = map.info().expect("a map tells about itself");
    assert!(!info.suspended && !info.expired && !info.ended, "{info:?}");
}

#[track_caller]
fn assert_expired(map: &Map) {
    let info = map.info().expect("a map tells about itself");
    assert!(info.suspended && info.expired && !info.ended, "{info:?}");
}

/// Asserts that the map is suspended, and that these wait on it and nobody else.
#[track_caller]
fn assert_wait(map: &Map, users: &[&User]) {
    let info = map.info().expect("a map tells about itself");
    assert!(info.suspended && !info.expired && !info.ended, "{info:?}");
    assert_eq!(info.waiters, users.len() as u64);
    assert!(users.iter().all(|user| user.is_silent()));
}

#[track_caller]
fn assert_bus(user: User) {
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

/// Somebody who reads the map, and waits.
#[track_caller]
fn reader(map: &Map) -> User {
    let user = User::of(map);
    let waiters = map.info().expect("a map tells about itself").waiters;
    user.begin_read(0);
    await_waiters(map, waiters + 1);
    user
}

/// Asserts that the reader finds that the owner is gone, and under which policy.
#[track_caller]
fn assert_abandoned(map: &Map, policy: IfAbandoned, reader: User) {
    match policy {
        Stay => {
            assert_wait(map, &[&reader]);
            map.resume().expect("the map is unique");
            assert_eq!(reader.finish(), OLD);
        }
        Sigbus => {
            assert_bus(reader);
            assert_expired(map);
        }
        Resume => {
            assert_eq!(reader.finish(), OLD, "the memory that it had");
            assert_live(map);
        }
    }
}
