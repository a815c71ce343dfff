// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own accesses to a suspended map, in system calls and for others: who waits, who is
//! refused.
//!
//! To make the kernel wait at an address of one's choosing takes privilege: CAP_SYS_PTRACE, in the
//! initial user namespace, of the map's creator and of who suspends it.

mod accesses;
mod others;
mod switches;

use std::sync::atomic::AtomicU32;

use iomd::{Errno, Map};
use rustix::process::Signal;
use rustix::thread::futex;

use crate::support::privileges::{WITHOUT_PTRACE, map_made, suspend_as};
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, Region, await_waiters, paint_through, painted, proc, unique_shared, window,
};
use accesses::{ACCESSES, Access, Effect, WRITTEN};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// A process that makes the access, and tells how it ended.
fn access(map: &Map, access: &Access) -> Child {
    let run = access.run;
    Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        signals::report(Signal::USR1, parent);
        parent.say_outcome(run(region));
    })
}

/// Asserts that the access is served, from new memory.
#[track_caller]
fn assert_served(access: &Access, outcome: Result<u64, Errno>, word: u64) {
    match access.effect {
        Effect::Reads => assert_eq!(outcome, Ok(NEW), "{}", access.name),
        Effect::Writes => {
            assert_eq!(outcome, Ok(WRITTEN), "{}", access.name);
            assert_eq!(word, WRITTEN, "{}", access.name);
        }
    }
}

#[test]
fn of_the_privileged_wait_for_memory() {
    for kind in &ACCESSES {
        let (old, new) = (painted(1, OLD), painted(1, NEW));
        let map = unique_shared(&old);
        map.suspend().unwrap();
        let child = access(&map, kind);
        await_waiters(&map, 1);
        child.await_state(kind.state);
        assert!(child.is_silent(), "{}", kind.name);
        map.redirect(&new).run().unwrap();
        assert_served(kind, child.hear_outcome(), window(&new).load_u64(0));
        assert_eq!(window(&old).load_u64(0), OLD, "{}", kind.name);
        child.succeed();
    }
}

#[test]
fn of_the_privileged_end_by_sigkill() {
    for kind in &ACCESSES {
        let map = unique_shared(&painted(1, OLD));
        map.suspend().unwrap();
        let child = access(&map, kind);
        await_waiters(&map, 1);
        assert_eq!(child.kill(), End::Killed(Signal::KILL), "{}", kind.name);
        await_waiters(&map, 0);
    }
}

#[test]
fn of_the_privileged_make_signal_handlers_wait() {
    for kind in ACCESSES.iter().filter(|kind| kind.state == 'D') {
        let (old, new) = (painted(1, OLD), painted(1, NEW));
        let map = unique_shared(&old);
        map.suspend().unwrap();
        let child = access(&map, kind);
        await_waiters(&map, 1);
        child.await_state('D');
        child.signal(Signal::USR1);
        assert_eq!(proc::state(child.pid()), 'D', "{}", kind.name);
        assert_eq!(map.info().unwrap().waits, 1, "{}: it has not spun", kind.name);
        assert!(child.is_silent(), "{}", kind.name);
        map.redirect(&new).run().unwrap();
        // The call is over before its process looks at signals again.
        assert_eq!(child.hear(), HANDLED, "{}", kind.name);
        assert_served(kind, child.hear_outcome(), window(&new).load_u64(0));
        child.succeed();
    }
}

/// Asserts that every access to the suspended map is refused at once, and served when it is not
/// suspended any more.
fn assert_refused(map: &Map, who: &str) {
    let before = map.info().unwrap();
    assert!(before.suspended);
    // None of them waits, so that one process makes them all.
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        for kind in ACCESSES.iter().chain(&ACCESSES) {
            parent.hear();
            parent.say_outcome((kind.run)(region));
        }
    });
    for kind in &ACCESSES {
        child.say(0);
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT), "{}, {who}", kind.name);
    }
    assert_eq!(map.info().unwrap().waits, before.waits, "{who}: nobody has waited");

    let new = painted(1, NEW);
    map.redirect(&new).run().unwrap();
    let window = window(&new);
    for kind in &ACCESSES {
        paint_through(&window, NEW);
        child.say(0);
        assert_served(kind, child.hear_outcome(), window.load_u64(0));
    }
    child.succeed();
}

#[test]
fn are_refused_where_the_creator_has_no_privilege() {
    for (who, lose) in WITHOUT_PTRACE {
        let map = map_made(1, OLD, lose);
        map.suspend().unwrap();
        assert_refused(&map, &format!("created {who}"));
    }
}

#[test]
fn are_refused_where_the_suspender_has_no_privilege() {
    for (who, lose) in WITHOUT_PTRACE {
        let map = unique_shared(&painted(1, OLD));
        suspend_as(lose, &map);
        assert_refused(&map, &format!("suspended {who}"));
    }
}

#[test]
fn are_refused_where_the_creator_has_lost_his_privilege_since() {
    for (who, lose) in WITHOUT_PTRACE {
        let descriptor = painted(1, OLD);
        let child = Child::fork(|parent| {
            let map = unique_shared(&descriptor);
            lose();
            map.suspend().unwrap();
            parent.send(map);
        });
        let map: Map = child.receive();
        child.succeed();
        assert_refused(&map, &format!("created before, and suspended {who}"));
    }
}

#[test]
fn are_refused_while_any_suspender_has_no_privilege() {
    let (_, lose) = WITHOUT_PTRACE[0];
    // Whichever of them came first.
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    suspend_as(lose, &map);
    assert_refused(&map, "suspended by both, the privileged first");
    let map = unique_shared(&painted(1, OLD));
    suspend_as(lose, &map);
    map.suspend().unwrap();
    assert_refused(&map, "suspended by both, the privileged last");
}

#[test]
fn a_new_suspension_goes_by_its_own_suspender() {
    let (_, lose) = WITHOUT_PTRACE[0];
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique_shared(&old);
    suspend_as(lose, &map);
    map.resume().unwrap();
    map.suspend().unwrap();
    let child = access(&map, &ACCESSES[0]);
    await_waiters(&map, 1);
    map.redirect(&new).run().unwrap();
    assert_served(&ACCESSES[0], child.hear_outcome(), window(&new).load_u64(0));
    child.succeed();
}

#[test]
fn who_is_not_privileged_waits_in_user_mode_all_the_same() {
    for (_, lose) in WITHOUT_PTRACE {
        let map = map_made(1, OLD, lose);
        suspend_as(lose, &map);
        let user = crate::support::User::of(&map);
        user.begin_read(0);
        await_waiters(&map, 1);
        map.resume().unwrap();
        assert_eq!(user.finish(), OLD);
    }
}

#[test]
fn shared_futexes_are_refused_always() {
    // A documented limit: the pages belong to no file that could name the futex.
    let map = unique_shared(&painted(1, OLD));
    let memory = map.mmap().unwrap();
    // SAFETY: the mapping lives longer, and its words are atomic for everybody.
    let word = unsafe { AtomicU32::from_ptr(memory.as_ptr().cast()) };
    let wait = futex::wait(word, futex::Flags::empty(), 0, None);
    assert_eq!(wait, Err(Errno::FAULT));
    assert_eq!(futex::wake(word, futex::Flags::empty(), 1), Err(Errno::FAULT));
    assert_eq!(futex::wake(word, futex::Flags::PRIVATE, 1), Ok(0));
}
