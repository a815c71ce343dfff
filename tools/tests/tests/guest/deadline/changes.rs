// SPDX-License-Identifier: MIT OR Apache-2.0

//! Another deadline in the place of one.

use std::thread;
use std::time::Duration;

use iomd::{Deadline, Errno, Map};

use super::{OLD, assert_bus, assert_suspended, expired, far, pass, soon, suspend_until};
use crate::support::kernel_mode::{self, ACCESSES};
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::{Child, LIMIT, User, await_waiters, painted, unique, unique_shared};

#[test]
fn an_earlier_one_moves_who_sleeps() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    suspend_until(&map, far());
    user.begin_read(0);
    await_waiters(&map, 1);
    let deadline = soon();
    suspend_until(&map, deadline);
    assert_bus(user);
    assert!(deadline.has_passed(), "SIGBUS comes before the deadline");
    assert_suspended(&map, true);
}

/// Puts a deadline off while somebody sleeps until it. Who sleeps must not notice the first.
fn postponed(put_off: impl Fn(&Map)) {
    let mut time = Duration::from_millis(200);
    loop {
        let map = unique(&painted(1, OLD));
        let user = User::of(&map);
        map.suspend().unwrap();
        user.begin_read(0);
        await_waiters(&map, 1);
        let first = Deadline::after(time);
        suspend_until(&map, first);
        thread::sleep(time / 2);
        put_off(&map);
        if first.has_passed() {
            // It was not put off in time: this machine has much to do.
            time *= 2;
            assert!(time < LIMIT);
            continue;
        }
        pass(first);
        // Who did not hear of it would be on its way.
        thread::sleep(Duration::from_millis(50));
        assert_suspended(&map, false);
        assert_eq!(map.info().unwrap().waiters, 1);
        map.resume().unwrap();
        assert_eq!(user.finish(), OLD);
        return;
    }
}

#[test]
fn a_later_one_moves_who_sleeps() {
    postponed(|map| suspend_until(map, far()));
}

#[test]
fn none_moves_who_sleeps() {
    postponed(|map| {
        map.suspend().unwrap();
    });
}

#[test]
fn the_latest_is_as_good_as_none() {
    postponed(|map| suspend_until(map, Deadline::LATEST));
}

#[test]
fn a_new_one_lets_who_comes_wait_again() {
    for deadline in [Some(far()), None] {
        let map = expired();
        let suspension = map.suspend_with();
        let suspension = match deadline {
            Some(deadline) => suspension.deadline(deadline),
            None => suspension,
        };
        suspension.run().unwrap();
        assert_suspended(&map, false);
        let user = User::of(&map);
        user.begin_read(0);
        await_waiters(&map, 1);
        map.resume().unwrap();
        assert_eq!(user.finish(), OLD);
    }
}

#[test]
fn the_kernel_does_not_wait_on_for_a_later_suspender_without_privilege() {
    for (name, access) in ACCESSES {
        for (who, lose) in WITHOUT_PTRACE {
            let map = unique_shared(&painted(1, OLD));
            let user = User::of(&map);
            map.suspend().unwrap();
            let child = kernel_mode::access(&map, access);
            user.begin_read(0);
            await_waiters(&map, 2);
            let later = Child::fork(|_| {
                lose();
                map.suspend().expect("to suspend takes no rights but the handle");
            });
            later.succeed();
            assert_eq!(child.hear_outcome(), Err(Errno::FAULT), "{name}, {who}");
            child.succeed();
            await_waiters(&map, 1);
            map.resume().unwrap();
            assert_eq!(user.finish(), OLD);
        }
    }
}
