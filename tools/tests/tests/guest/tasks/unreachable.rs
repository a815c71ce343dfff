// SPDX-License-Identifier: MIT OR Apache-2.0

//! A task that cannot come by: the caller waits no longer than it wants to, and nothing is mapped
//! after that.

use std::thread;
use std::time::Duration;

use iomd::{Deadline, Errno};
use rustix::process::Signal;

use super::{TAG, read, target};
use crate::support::region::last_errno;
use crate::support::signals::{self, HANDLED};
use crate::support::{Child, LIMIT, Region, await_waiters, client, objects, painted, proc, unique};

/// Later than any test runs.
fn far() -> Deadline {
    Deadline::after(10 * LIMIT)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(20))
}

fn has(child: &Child, map: u64) -> bool {
    let name = format!("[iomd-map:{map}]");
    proc::mappings(child.pid()).iter().any(|mapping| mapping.name.contains(&name))
}

#[test]
fn a_stopped_one() {
    let (map, other) = (unique(&painted(1, TAG)), unique(&painted(1, TAG)));
    let (child, task) = target();
    child.signal(Signal::STOP);
    child.await_state('T');
    let refused = map.map_into(&task).deadline(soon()).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::TIMEDOUT);
    child.signal(Signal::CONT);
    // This one comes after it.
    let address = other.map_into(&task).run().unwrap();
    assert_eq!(read(&child, address), TAG);
    assert!(!has(&child, map.id().unwrap()), "it was taken back");
}

#[test]
fn what_was_taken_back_keeps_nothing() {
    let memory = painted(1, TAG);
    let (child, task) = target();
    child.signal(Signal::STOP);
    child.await_state('T');
    let id = {
        let map = unique(&memory);
        let refused = map.map_into(&task).deadline(soon()).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::TIMEDOUT);
        map.id().unwrap()
    };
    assert!(!objects().contains(&id), "the task is stopped still");
    child.signal(Signal::CONT);
}

#[test]
fn one_that_is_continued_in_time() {
    let map = unique(&painted(1, TAG));
    let (child, task) = target();
    child.signal(Signal::STOP);
    child.await_state('T');
    thread::scope(|scope| {
        let mapped = scope.spawn(|| map.map_into(&task).deadline(far()).run());
        child.signal(Signal::CONT);
        assert_eq!(read(&child, mapped.join().unwrap().unwrap()), TAG);
    });
}

#[test]
fn one_that_is_killed_meanwhile() {
    let map = unique(&painted(1, TAG));
    let (child, task) = target();
    child.signal(Signal::STOP);
    child.await_state('T');
    let caller = Child::fork(|parent| {
        parent.say(0);
        let end = map.map_into(&task).deadline(far()).run();
        parent.say_outcome(end.map_err(|error| error.errno()));
    });
    caller.hear();
    caller.await_state('S');
    child.kill();
    assert_eq!(caller.hear_outcome(), Err(Errno::SRCH));
    caller.succeed();
}

#[test]
fn one_that_calls_exec_meanwhile() {
    let (map, held) = (unique(&painted(1, TAG)), unique(&painted(1, TAG)));
    let child = Child::fork(|parent| {
        let argument = Region::from(held.mmap().unwrap());
        argument.write_bytes(0, b"1000000\0");
        parent.send(client().own_task().unwrap());
        parent.hear();
        let arguments = [c"sleep".as_ptr(), argument.as_ptr().cast(), std::ptr::null()];
        // SAFETY: a null-terminated array of null-terminated strings.
        unsafe { libc::execvp(arguments[0], arguments.as_ptr()) };
        panic!("{}", last_errno());
    });
    let task = child.receive();
    held.suspend().unwrap();
    child.say(0);
    // It is in the middle of the call, and still what it was.
    await_waiters(&held, 1);
    let caller = Child::fork(|parent| {
        parent.say(0);
        let end = map.map_into(&task).deadline(far()).run();
        parent.say_outcome(end.map_err(|error| error.errno()));
    });
    caller.hear();
    caller.await_state('S');
    held.resume().unwrap();
    assert_eq!(caller.hear_outcome(), Err(Errno::SRCH));
    caller.succeed();
    assert!(!has(&child, map.id().unwrap()));
    assert_eq!(map.info().unwrap().address, None);
    child.kill();
}

#[test]
fn a_signal_ends_the_caller_s_wait() {
    let map = unique(&painted(1, TAG));
    let (child, task) = target();
    child.signal(Signal::STOP);
    child.await_state('T');
    let caller = Child::fork(|parent| {
        signals::report(Signal::USR1, parent);
        parent.say(0);
        let end = map.map_into(&task).deadline(far()).run();
        parent.say_outcome(end.map_err(|error| error.errno()));
    });
    caller.hear();
    caller.await_state('S');
    caller.signal(Signal::USR1);
    assert_eq!(caller.hear(), HANDLED);
    assert_eq!(caller.hear_outcome(), Err(Errno::INTR));
    caller.succeed();
    child.signal(Signal::CONT);
}
