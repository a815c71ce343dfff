// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps that are suspended, or have ended.

use iomd::{Deadline, Errno, IfAbandoned};

use super::{Maps, NEW, OLD, argument, info, refused};
use crate::support::pin::Pin;
use crate::support::{User, await_waiters, client};

#[test]
fn suspended_maps_go_on() {
    let client = client();
    let maps = Maps::<4>::new();
    let users = maps.users();
    let owner = maps.maps[2].reopen().unwrap();
    maps.maps[1].suspend().unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Sigbus).run().unwrap();
    maps.maps[3].suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    for number in [1, 2] {
        users[number].begin_read(0);
        await_waiters(&maps.maps[number], 1);
    }
    assert!(info(&maps.maps[3]).expired);

    maps.batch(&client).run().unwrap();
    assert_eq!(users[1].finish(), NEW + 1);
    assert_eq!(users[2].finish(), NEW + 2);
    assert_eq!([0, 3].map(|number: usize| users[number].read(0)), [NEW, NEW + 3]);
    drop(owner);
    for info in maps.info() {
        assert!(!info.suspended && !info.expired && info.waiters == 0);
    }
    maps.assert_show(NEW);
}

#[test]
fn a_refused_batch_leaves_suspended_maps_as_they_are() {
    let client = client();
    let maps = Maps::<4>::new();
    let users = maps.users();
    let owner = maps.maps[2].reopen().unwrap();
    maps.maps[1].suspend().unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().unwrap();
    maps.maps[3].suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    for number in [1, 2] {
        users[number].begin_read(0);
        await_waiters(&maps.maps[number], 1);
    }
    let before = maps.info();

    let pin = Pin::of(maps.maps[0].mmap().unwrap().into());
    let error = maps.batch(&client).refuse_pinned(true).run().unwrap_err();
    assert_eq!(error.errno(), Errno::BUSY);
    drop(pin);
    let mut entries = maps.entries();
    entries[3].offset = 1;
    assert_eq!(refused(argument(&entries)), Errno::INVAL);

    let after = maps.info();
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert_eq!(before, after);
    }
    assert!(!after[0].suspended && after[0].generation == before[0].generation);
    assert_eq!(users[0].read(0), OLD);
    drop(owner);
    assert_eq!(users[2].finish(), OLD + 2, "its owner is who it was");
    maps.maps[1].resume().unwrap();
    assert_eq!(users[1].finish(), OLD + 1);
    maps.maps[3].resume().unwrap();
    assert_eq!(users[3].read(0), OLD + 3);
}

#[test]
fn ended_maps_are_passed_over() {
    let client = client();
    let maps = Maps::<3>::new();
    maps.maps[1].unmap().unwrap();
    let before = maps.info();
    maps.batch(&client).run().unwrap();
    let after = maps.info();
    assert_eq!(after[1], before[1]);
    let users = [User::of(&maps.maps[0]), User::of(&maps.maps[2])];
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, NEW + 2]);
}
