// SPDX-License-Identifier: MIT OR Apache-2.0

//! The wait ends with the map.

use iomd::Errno;
use rustix::process::Signal;

use super::{OLD, assert_waits, suspended};
use crate::support::{Child, End, User, client, painted};

#[test]
fn the_end_of_the_map_ends_the_wait() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    map.unmap().unwrap();
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn the_last_close_ends_the_wait() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    drop(map);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

#[test]
fn the_last_close_by_a_dying_process_ends_the_wait() {
    let (map, user) = suspended(&painted(1, OLD));
    let owner = Child::fork(|parent| {
        // It has the map open, as it has all files of the test.
        parent.say(0);
        parent.hear();
    });
    owner.hear();
    user.begin_read(0);
    assert_waits(&user, &map);
    let id = map.id().unwrap();
    drop(map);
    let map = client().open_map(id).expect("the owner has a handle yet");
    assert_waits(&user, &map);
    drop(map);
    owner.kill();
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(client().open_map(id).unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn a_wait_in_a_kept_mapping_goes_on_without_a_handle() {
    let memory = painted(1, OLD);
    let map = memory.map().unique(true).keep(true).create().unwrap();
    let user = User::of(&map);
    let id = map.id().unwrap();
    map.suspend().unwrap();
    user.begin_read(0);
    assert_waits(&user, &map);
    drop(map);
    let map = client().open_map(id).unwrap();
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}
