// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who waits can be signalled, killed, debugged and stopped.

use rustix::process::{Signal, WaitOptions, waitpid};

use super::{NEW, OLD, waiting};
use crate::support::ptrace::Traced;
use crate::support::signals::{self, HANDLED};
use crate::support::{Child, End, await_waiters, eventually, painted, proc, unique};

#[test]
fn sigkill_ends_the_wait() {
    let (map, user) = waiting();
    assert_eq!(user.into_child().kill(), End::Killed(Signal::KILL));
    let info = map.info().unwrap();
    assert!(info.suspended, "nothing but the signal ended it");
    assert_eq!(info.waiters, 0);
}

#[test]
fn a_signal_that_nobody_handles_ends_the_wait() {
    let (map, user) = waiting();
    user.signal(Signal::TERM);
    assert_eq!(user.into_child().end(), End::Killed(Signal::TERM));
    assert!(map.info().unwrap().suspended);
}

#[test]
fn a_handler_runs_and_the_access_goes_on() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        signals::report(Signal::USR1, parent);
        parent.say(memory.load_u64(0));
    });
    for times in 1..=5 {
        await_waiters(&map, 1);
        assert_eq!(map.info().unwrap().waits, times, "it waits again after the handler");
        child.signal(Signal::USR1);
        assert_eq!(child.hear(), HANDLED);
    }
    await_waiters(&map, 1);
    assert!(child.is_silent());
    map.redirect(&new).run().unwrap();
    assert_eq!(child.hear(), NEW);
    child.succeed();
}

#[test]
fn a_debugger_attaches() {
    for seize in [true, false] {
        let (map, user) = waiting();
        let address = map.info().unwrap().address.unwrap() as usize;
        let traced = if seize { Traced::seize(&user) } else { Traced::attach(&user) };
        assert_eq!(proc::state(user.pid()), 't');
        assert!(traced.peek(address).is_err(), "what the process cannot see it cannot either");
        drop(traced);
        await_waiters(&map, 1);
        map.resume().unwrap();
        assert_eq!(user.finish(), OLD);
    }
}

#[test]
fn a_debugger_attached_is_no_hindrance() {
    let (map, user) = waiting();
    let address = map.info().unwrap().address.unwrap() as usize;
    let traced = Traced::seize(&user);
    // Resumed while the process is stopped.
    map.resume().unwrap();
    assert_eq!(traced.peek(address), Ok(OLD));
    drop(traced);
    assert_eq!(user.finish(), OLD);
}

#[test]
fn a_waiting_process_stops_and_continues() {
    let (map, user) = waiting();
    user.signal(Signal::STOP);
    eventually("the process stops", || {
        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        waitpid(Some(user.pid()), options).unwrap().is_some_and(|(_, status)| status.stopped())
    });
    assert_eq!(proc::state(user.pid()), 'T');
    user.signal(Signal::CONT);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}
