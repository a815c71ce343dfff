// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who touches a suspended map waits, and goes on with the right memory.

mod freezer;
mod interrupted;
mod map_ends;
mod others;
mod process;
mod wakes;

use iomd::{Descriptor, Map};
use iomd_sys::{IOMD_NO_DESCRIPTOR, IOMD_REDIRECT, iomd_redirect};

use crate::support::raw::{call_at, size};
use crate::support::{
    Child, PAGE, Region, User, assert_painted, await_waiters, buffer, client, painted, unique,
    unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Asserts that the user, and nobody else, waits on the map.
#[track_caller]
fn assert_waits(user: &User, map: &Map) {
    await_waiters(map, 1);
    user.await_state('S');
    assert_eq!(map.info().unwrap().waiters, 1, "it is still there");
    assert!(user.is_silent(), "the access is not over");
}

/// A suspended map of the memory, and a process that has touched it.
fn suspended(memory: &Descriptor) -> (Map, User) {
    let map = unique_shared(memory);
    let user = User::of(&map);
    user.read(0);
    map.suspend().unwrap();
    (map, user)
}

/// A suspended map, and a process that waits on it for its first word.
fn waiting() -> (Map, User) {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    (map, user)
}

#[test]
fn a_reader_waits_for_resume_and_reads_what_was_there() {
    let memory = painted(2, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(PAGE);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD + 1);
}

#[test]
fn a_writer_waits_for_resume_and_writes_to_what_was_there() {
    let memory = painted(2, OLD);
    let (map, user) = suspended(&memory);
    user.begin_write(PAGE + 8, 7);
    assert_waits(&user, &map);
    assert_eq!(window(&memory).load_u64(PAGE + 8), 0, "nothing is written yet");
    map.resume().unwrap();
    user.finish();
    assert_eq!(window(&memory).load_u64(PAGE + 8), 7);
}

#[test]
fn a_reader_waits_for_new_memory_and_reads_that() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let (map, user) = suspended(&old);
    user.begin_read(PAGE);
    assert_waits(&user, &map);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.finish(), NEW + 1);
}

#[test]
fn a_writer_waits_for_new_memory_and_writes_to_that() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let (map, user) = suspended(&old);
    user.begin_write(PAGE + 8, 7);
    assert_waits(&user, &map);
    map.redirect(&new).run().unwrap();
    user.finish();
    assert_eq!(window(&new).load_u64(PAGE + 8), 7);
    assert_eq!(window(&old).load_u64(PAGE + 8), 0);
    assert_painted(&old, OLD);
}

#[test]
fn a_page_that_was_never_touched_waits_too() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(2 * PAGE);
    assert_waits(&user, &map);
    assert_eq!(memory.info().unwrap().resident, 0, "nothing comes while it waits");
    window(&memory).store_u64(2 * PAGE, 9);
    map.resume().unwrap();
    assert_eq!(user.finish(), 9);
}

#[test]
fn who_waits_may_be_a_reader_by_right() {
    let memory = painted(1, OLD);
    let map = memory.map().unique(true).read_only(true).create().unwrap();
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn exactly_the_map_waits() {
    let memory = painted(4, OLD);
    let part = memory.map().unique(true).offset(PAGE as u64).length(PAGE as u64);
    let part = part.create().unwrap();
    let whole = unique(&memory);
    let (in_part, in_whole) = (User::of(&part), User::of(&whole));
    part.suspend().unwrap();
    in_part.begin_read(0);
    assert_waits(&in_part, &part);
    for page in 0..4 {
        assert_eq!(in_whole.read(page * PAGE), OLD + page as u64, "another map of the memory");
    }
    part.resume().unwrap();
    assert_eq!(in_part.finish(), OLD + 1);
}

#[test]
fn two_maps_of_one_memory_are_suspended_apart() {
    let memory = painted(1, OLD);
    let maps = [unique(&memory), unique(&memory)];
    let users = maps.each_ref().map(User::of);
    for map in &maps {
        map.suspend().unwrap();
    }
    for (user, map) in users.iter().zip(&maps) {
        user.begin_read(0);
        assert_waits(user, map);
    }
    maps[1].resume().unwrap();
    assert_eq!(users[1].finish(), OLD);
    assert_waits(&users[0], &maps[0]);
    maps[0].resume().unwrap();
    assert_eq!(users[0].finish(), OLD);
}

#[test]
fn suspending_again_changes_nothing() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    map.suspend().unwrap();
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
    assert!(!map.info().unwrap().suspended);
}

#[test]
fn a_suspension_outlives_the_process_that_made_it() {
    let memory = painted(1, OLD);
    let map = unique_shared(&memory);
    let user = User::of(&map);
    let suspender = Child::fork(|_| {
        map.suspend().unwrap();
    });
    suspender.succeed();
    user.begin_read(0);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD, "never zeros instead of data");
}

#[test]
fn every_alias_waits() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique_shared(&old);
    let memory = map.mmap().unwrap();
    let users = [
        User::with(|| (&memory).into()),
        User::with(|| Region::from(&memory).moved()),
        User::of(&map),
        User::of(&map),
    ];
    map.suspend().unwrap();
    for (number, user) in (1..).zip(&users) {
        user.begin_read(0);
        await_waiters(&map, number);
    }
    assert!(users.iter().all(|user| user.is_silent()));
    map.redirect(&new).run().unwrap();
    for user in &users {
        assert_eq!(user.finish(), NEW);
    }
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn an_argument_may_be_in_the_map_that_it_suspends() {
    let memory = buffer(1);
    let map = unique(&memory);
    let argument = iomd_redirect {
        size: size::<iomd_redirect>(),
        descriptor: IOMD_NO_DESCRIPTOR,
        ..Default::default()
    };
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        // SAFETY: the region is as large, and nothing else is there.
        unsafe { region.as_ptr().cast::<iomd_redirect>().write(argument) };
        let done = call_at(&map, IOMD_REDIRECT, region.address());
        parent.say_outcome(done.map(|()| 0));
    });
    // The answer waits like any other access of a privileged caller.
    await_waiters(&map, 1);
    assert!(map.info().unwrap().suspended);
    map.resume().unwrap();
    assert_eq!(child.hear_outcome(), Ok(0));
    child.succeed();
}
