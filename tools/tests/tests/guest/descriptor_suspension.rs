// SPDX-License-Identifier: MIT OR Apache-2.0

//! A suspended descriptor: accesses through all of its maps wait, but in the safe process.

use iomd::{Access, Deadline, Errno, IfAbandoned};
use rustix::process::Signal;

use crate::support::{End, User, await_waiters, buffer, painted, unique, window};

const TAG: u64 = 0x0100;

#[test]
fn all_but_the_safe_process_wait() {
    let memory = painted(1, TAG);
    let maps = [unique(&memory), memory.map().create().unwrap()];
    let users = maps.each_ref().map(User::of);
    let own = window(&memory);
    for user in &users {
        assert_eq!(user.read(0), TAG);
    }
    memory.suspend_with().spare_caller(true).run().unwrap();
    for (user, map) in users.iter().zip(&maps) {
        user.begin_read(0);
        await_waiters(map, 1);
        let info = map.info().unwrap();
        assert!(info.descriptor_suspended && !info.suspended, "{info:?}");
    }
    own.store_u64(0, TAG + 1);
    assert_eq!(own.load_u64(0), TAG + 1);
    memory.resume().unwrap();
    for user in &users {
        assert_eq!(user.finish(), TAG + 1);
    }
}

#[test]
fn maps_to_come_wait_too_and_those_that_leave_do_not() {
    let (memory, other) = (painted(1, TAG), buffer(1));
    let leaving = unique(&memory);
    memory.suspend().unwrap();
    let late = unique(&memory);
    let coming = unique(&other);
    coming.redirect(&memory).run().unwrap();
    for map in [&late, &coming] {
        let user = User::of(map);
        user.begin_read(0);
        await_waiters(map, 1);
        map.redirect(&other).run().unwrap();
        assert_eq!(user.finish(), 0);
    }
    leaving.redirect(&other).run().unwrap();
    assert_eq!(User::of(&leaving).read(0), 0);
}

#[test]
fn it_is_apart_from_the_suspension_of_a_map() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let user = User::of(&map);
    memory.suspend().unwrap();
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    memory.resume().unwrap();
    assert!(map.info().unwrap().suspended);
    assert!(user.is_silent(), "the map's own holds it up");
    map.resume().unwrap();
    assert_eq!(user.finish(), TAG);
}

#[test]
fn it_ends_with_its_owner_if_that_is_said() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let user = User::of(&map);
    let owner = memory.reopen(Access::ReadWrite).unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    drop(owner);
    assert_eq!(user.finish(), TAG);
}

#[test]
fn past_its_deadline_accesses_fail() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let [victim, survivor] = [User::of(&map), User::of(&map)];
    memory.suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    victim.begin_read(0);
    assert_eq!(victim.into_child().end(), End::Killed(Signal::BUS));
    memory.resume().unwrap();
    assert_eq!(survivor.read(0), TAG);
}

#[test]
fn it_takes_the_right_to_write() {
    let memory = painted(1, TAG);
    let reader = memory.read_only().unwrap();
    let errno = |result: iomd::Result<()>| result.map_err(|error| error.errno());
    assert_eq!(errno(reader.suspend()), Err(Errno::ACCESS));
    memory.suspend().unwrap();
    assert_eq!(errno(reader.resume()), Err(Errno::ACCESS));
    memory.resume().unwrap();
}

#[test]
fn a_sealed_map_forbids_it() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    map.seal().unwrap();
    assert!(map.info().unwrap().sealed);
    let refused = memory.suspend().unwrap_err();
    assert_eq!(refused.errno(), Errno::PERM);
    assert!(refused.to_string().contains("a map of it is sealed"), "{refused}");
    assert!(!map.info().unwrap().descriptor_suspended);
}
