// SPDX-License-Identifier: MIT OR Apache-2.0

//! Deadlines that are refused change nothing.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{Deadline, Errno, Map};
use iomd_sys as sys;
use rustix::process::Signal;

use super::{NEW, OLD, PAST, assert_bus, assert_live, far, suspend_until};
use crate::support::kernel_mode::{self, DONE};
use crate::support::pin::Pin;
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::{
    Child, End, Region, User, await_waiters, eventually, painted, raw, scaled, unique,
    unique_shared,
};

/// A suspension as the kernel takes it.
fn argument() -> sys::iomd_redirect {
    sys::iomd_redirect {
        size: raw::size::<sys::iomd_redirect>(),
        descriptor: sys::IOMD_NO_DESCRIPTOR,
        pinned: u64::MAX,
        ..Default::default()
    }
}

#[track_caller]
fn assert_invalid(map: &Map, argument: sys::iomd_redirect) {
    let before = map.info().unwrap();
    assert_eq!(raw::refused(map, sys::IOMD_REDIRECT, argument), Errno::INVAL);
    assert_eq!(map.info().unwrap(), before);
}

#[test]
fn one_with_new_memory_is_refused() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let descriptor = new.as_fd().as_raw_fd();
    for suspended in [false, true] {
        if suspended {
            map.suspend().unwrap();
        }
        for deadline_ns in [1, far().nanoseconds(), i64::MAX as u64, u64::MAX] {
            assert_invalid(&map, sys::iomd_redirect { descriptor, deadline_ns, ..argument() });
        }
    }
    map.resume().unwrap();
    assert_eq!(User::of(&map).read(0), OLD);
}

#[test]
fn one_beyond_the_clock_is_refused() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    for suspended in [false, true] {
        if suspended {
            suspend_until(&map, far());
        }
        for deadline_ns in [i64::MAX as u64 + 1, u64::MAX] {
            assert_invalid(&map, sys::iomd_redirect { deadline_ns, ..argument() });
            let deadline = Deadline::from_nanoseconds(deadline_ns);
            let error = map.suspend_with().deadline(deadline).run().unwrap_err();
            assert!(error.to_string().contains("the deadline is beyond"), "{error}");
        }
    }
    user.begin_read(0);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn what_is_not_unique_takes_none() {
    let map = painted(1, OLD).map().create().unwrap();
    let user = User::of(&map);
    let refused = map.suspend_with().deadline(PAST).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::PERM);
    assert_live(&map);
    assert_eq!(user.read(0), OLD);
}

#[test]
fn nobody_suffers_from_a_suspension_that_is_refused() {
    let map = unique_shared(&painted(1, OLD));
    let pin = Pin::of(map.mmap().unwrap().into());
    let in_user_mode = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.say(0);
        loop {
            assert_eq!(region.read(0), OLD);
        }
    });
    let in_kernel_mode = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.say(0);
        loop {
            assert_eq!(kernel_mode::read(region), Ok(DONE));
        }
    });
    let touchers = [in_user_mode, in_kernel_mode];
    for child in &touchers {
        child.hear();
    }
    let before = map.info().unwrap();

    // By one who may not make the kernel wait, so that its accesses could be refused.
    let (_, lose) = WITHOUT_PTRACE[0];
    let suspender = Child::fork(|_| {
        lose();
        for _ in 0..scaled(2000) {
            let suspend = map.suspend_with().deadline(PAST).refuse_pinned(true);
            assert_eq!(suspend.run().unwrap_err().errno(), Errno::BUSY);
        }
    });
    suspender.succeed();

    let after = map.info().unwrap();
    assert!(!after.suspended && after.generation == before.generation);
    for child in touchers {
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
    }
    drop(pin);
    let user = User::of(&map);
    eventually("the pages are held no more", || {
        map.suspend_with().deadline(PAST).refuse_pinned(true).run().is_ok()
    });
    user.begin_read(0);
    assert_bus(user);
}

#[test]
fn the_refused_leave_a_suspension_as_it_is() {
    let map = unique(&painted(1, OLD));
    let _pin = Pin::of(map.mmap().unwrap().into());
    let user = User::of(&map);
    suspend_until(&map, far());
    user.begin_read(0);
    await_waiters(&map, 1);
    let before = map.info().unwrap();
    let refused = map.suspend_with().deadline(PAST).refuse_pinned(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::BUSY);
    assert_eq!(map.info().unwrap(), before);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}
