// SPDX-License-Identifier: MIT OR Apache-2.0

//! What becomes of accesses when it has passed.

use std::time::Duration;

use iomd::{Deadline, Errno};
use rustix::process::Signal;

use super::{
    NEW, OLD, PAST, assert_bus, assert_live, assert_suspended, far, pass, soon, suspend_until,
};
use crate::support::kernel_mode::{self, ACCESSES, DONE};
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, PAGE, User, await_waiters, painted, unique, unique_shared, window,
};

#[test]
fn who_waits_gets_sigbus_when_it_has_passed() {
    let map = unique_shared(&painted(2, OLD));
    let memory = map.mmap().unwrap();
    let users = [User::of(&map), User::with(|| (&memory).into()), User::of(&map)];
    let deadline = soon();
    suspend_until(&map, deadline);
    users[0].begin_read(0);
    users[1].begin_read(PAGE);
    users[2].begin_write(8, NEW);
    for user in users {
        assert_bus(user);
        assert!(deadline.has_passed(), "SIGBUS comes before the deadline");
    }
    assert_suspended(&map, true);
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn who_waits_already_gets_it_too() {
    let map = unique(&painted(1, OLD));
    let users = [(); 20].map(|()| User::of(&map));
    map.suspend().unwrap();
    for user in &users {
        user.begin_read(0);
    }
    await_waiters(&map, users.len() as u64);
    let deadline = soon();
    suspend_until(&map, deadline);
    for user in users {
        assert_bus(user);
        assert!(deadline.has_passed(), "SIGBUS comes before the deadline");
    }
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn who_comes_later_gets_sigbus_at_once() {
    let memory = painted(1, OLD);
    let map = unique_shared(&memory);
    let before = User::of(&map);
    assert_eq!(before.read(0), OLD);
    let deadline = soon();
    suspend_until(&map, deadline);
    pass(deadline);
    assert_suspended(&map, true);
    let after = User::of(&map);
    before.begin_read(0);
    after.begin_write(0, NEW);
    assert_bus(before);
    assert_bus(after);
    let info = map.info().unwrap();
    assert_eq!((info.waiters, info.waits), (0, 0), "nobody has waited");
    assert_eq!(window(&memory).load_u64(0), OLD);
}

#[test]
fn nothing_is_different_before_it() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    suspend_until(&map, far());
    assert_suspended(&map, false);
    user.begin_read(0);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
    assert_live(&map);
}

#[test]
fn an_access_in_kernel_mode_gets_efault() {
    for (name, access) in ACCESSES {
        let map = unique_shared(&painted(1, OLD));
        map.suspend().unwrap();
        let child = kernel_mode::access(&map, access);
        await_waiters(&map, 1);
        let deadline = soon();
        suspend_until(&map, deadline);
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT), "{name}");
        assert!(deadline.has_passed(), "{name}: EFAULT comes before the deadline");
        child.succeed();

        let waits = map.info().unwrap().waits;
        let child = kernel_mode::access(&map, access);
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT), "{name}, after it");
        child.succeed();
        assert_eq!(map.info().unwrap().waits, waits, "{name}: it has not waited");

        map.resume().unwrap();
        let child = kernel_mode::access(&map, access);
        assert_eq!(child.hear_outcome(), Ok(DONE), "{name}, resumed");
        child.succeed();
    }
}

#[test]
fn one_in_the_past_is_sigbus_at_once() {
    for deadline in [PAST, Deadline::after(Duration::ZERO)] {
        let map = unique(&painted(1, OLD));
        let (waiting, later) = (User::of(&map), User::of(&map));
        map.suspend().unwrap();
        waiting.begin_read(0);
        await_waiters(&map, 1);
        suspend_until(&map, deadline);
        assert_suspended(&map, true);
        assert_bus(waiting);
        later.begin_read(0);
        assert_bus(later);
        assert_eq!(map.info().unwrap().waits, 1, "only the first has waited");
    }
}

#[test]
fn signals_are_handled_until_it_has_passed() {
    let map = unique(&painted(1, OLD));
    suspend_until(&map, far());
    let child = Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        signals::report(Signal::USR1, parent);
        parent.say(memory.load_u64(0));
    });
    for _ in 0..3 {
        await_waiters(&map, 1);
        child.signal(Signal::USR1);
        assert_eq!(child.hear(), HANDLED);
    }
    await_waiters(&map, 1);
    let deadline = soon();
    suspend_until(&map, deadline);
    assert_eq!(child.end(), End::Killed(Signal::BUS));
    assert!(deadline.has_passed(), "SIGBUS comes before the deadline");
}
