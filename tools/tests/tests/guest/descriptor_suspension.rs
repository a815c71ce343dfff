// SPDX-License-Identifier: MIT OR Apache-2.0

//! A suspended descriptor: accesses through all of its maps wait, but in the safe process.

use std::os::fd::AsFd;

use iomd::{Descriptor, Errno};
use iomd_sys::{
    IOMD_DESCRIPTOR_RESUME, IOMD_DESCRIPTOR_SUSPEND, IOMD_SUSPEND_ABANDONED_RESUME,
    IOMD_SUSPEND_SPARE_CALLER, iomd_descriptor_resume, iomd_descriptor_suspend,
};

use crate::support::raw::{call, size};
use crate::support::{User, await_waiters, buffer, painted, unique, window};

const TAG: u64 = 0x0100;

fn suspend(memory: impl AsFd, flags: u32) -> Result<(), Errno> {
    let size = size::<iomd_descriptor_suspend>();
    let mut suspend = iomd_descriptor_suspend { size, flags, ..Default::default() };
    call(memory, IOMD_DESCRIPTOR_SUSPEND, &mut suspend)
}

fn resume(memory: &Descriptor) {
    let size = size::<iomd_descriptor_resume>();
    let mut resume = iomd_descriptor_resume { size, ..Default::default() };
    call(memory, IOMD_DESCRIPTOR_RESUME, &mut resume).unwrap();
}

#[test]
fn all_but_the_safe_process_wait() {
    let memory = painted(1, TAG);
    let maps = [unique(&memory), memory.map().create().unwrap()];
    let users = maps.each_ref().map(User::of);
    let own = window(&memory);
    for user in &users {
        assert_eq!(user.read(0), TAG);
    }
    suspend(&memory, IOMD_SUSPEND_SPARE_CALLER).unwrap();
    for (user, map) in users.iter().zip(&maps) {
        user.begin_read(0);
        await_waiters(map, 1);
        assert!(!map.info().unwrap().suspended, "not by itself");
    }
    own.store_u64(0, TAG + 1);
    assert_eq!(own.load_u64(0), TAG + 1);
    resume(&memory);
    for user in &users {
        assert_eq!(user.finish(), TAG + 1);
    }
}

#[test]
fn maps_to_come_wait_too_and_those_that_leave_do_not() {
    let (memory, other) = (painted(1, TAG), buffer(1));
    let leaving = unique(&memory);
    suspend(&memory, 0).unwrap();
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
    suspend(&memory, 0).unwrap();
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    resume(&memory);
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
    let owner = memory.reopen(iomd::Access::ReadWrite).unwrap();
    suspend(&owner, IOMD_SUSPEND_ABANDONED_RESUME).unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    drop(owner);
    assert_eq!(user.finish(), TAG);
}

#[test]
fn it_takes_the_right_to_write() {
    let memory = painted(1, TAG).read_only().unwrap();
    assert_eq!(suspend(&memory, 0), Err(Errno::ACCESS));
}
