// SPDX-License-Identifier: MIT OR Apache-2.0

//! A suspension with a deadline: who waits until then gets SIGBUS and no answer later than that, until
//! the map is redirected or resumed.

use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

use iomd::{Deadline, Errno, Map};
use iomd_sys as sys;
use rustix::process::Signal;

use crate::support::kernel_mode::{self, ACCESSES, DONE};
use crate::support::pin::Pin;
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, LIMIT, PAGE, Region, User, await_waiters, buffer, client, eventually, painted, raw,
    scaled, unique, unique_shared, window,
};

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
fn a_redirect_revives() {
    let map = expired();
    let new = painted(1, NEW);
    let user = User::of(&map);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.read(0), NEW);
    assert_live(&map);
    // The deadline is of the suspension that it ended, and of no other.
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert_suspended(&map, false);
    map.resume().unwrap();
    assert_eq!(user.finish(), NEW);
}

#[test]
fn a_resumption_revives() {
    let map = expired();
    let user = User::of(&map);
    map.resume().unwrap();
    assert_eq!(user.read(0), OLD, "never zeros instead of data");
    assert_live(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn who_waits_before_it_goes_on_when_it_is_over_in_time() {
    let new = painted(1, NEW);
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    suspend_until(&map, far());
    user.begin_read(0);
    await_waiters(&map, 1);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.finish(), NEW);
    assert_live(&map);
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

#[test]
fn a_copy_leaves_it_as_it_is() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    suspend_until(&map, PAST);
    let before = map.info().unwrap();
    let copy = buffer(1);
    assert_eq!(memory.copy_to(&copy).run().unwrap().maps, 0);
    assert_eq!(memory.copy_to(&buffer(1)).resume_on_target(true).run().unwrap().maps, 0);
    assert_eq!(map.info().unwrap(), before);
    assert_eq!(window(&copy).load_u64(0), OLD);
    map.resume().unwrap();
    assert_eq!(User::of(&map).read(0), OLD);
}

#[test]
fn an_ended_map_takes_any() {
    let map = unique(&painted(1, OLD));
    map.unmap().unwrap();
    let before = map.info().unwrap();
    for deadline in [PAST, far()] {
        suspend_until(&map, deadline);
        assert_eq!(map.info().unwrap(), before);
    }
}

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

#[test]
fn a_new_client_knows_of_it() {
    // By another file of the same map.
    let map = expired();
    let other = client().open_map(map.id().unwrap()).unwrap();
    assert_suspended(&other, true);
    let user = User::of(&other);
    other.resume().unwrap();
    assert_eq!(user.read(0), OLD);
    assert_live(&map);
}
