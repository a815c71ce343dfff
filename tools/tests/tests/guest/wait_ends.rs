// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who waits can be signalled, killed, debugged, stopped, frozen; and its process can die, exec,
//! fork, unmap.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use iomd::{Map, Mapping};
use rustix::mm::MremapFlags;
use rustix::process::{
    Resource, Rlimit, Signal, WaitOptions, chdir, getpid, kill_process, setrlimit, waitpid,
};

use crate::support::cgroup::Cgroup;
use crate::support::ptrace::Traced;
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Channel, Child, End, Region, User, await_waiters, eventually, painted, proc, unique,
    unique_shared,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// A suspended map, and a process that waits on it for its first word.
fn waiting() -> (Map, User) {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    (map, user)
}

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
    let child = Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        signals::report(Signal::USR1, parent);
        parent.say(memory.load_u64(0));
    });
    assert_eq!(child.hear(), OLD);
    child.succeed();

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

#[test]
fn a_waiting_process_freezes_and_thaws() {
    let (map, user) = waiting();
    let group = Cgroup::new("freezer");
    group.take(user.pid());
    group.freeze(true);
    group.freeze(false);
    await_waiters(&map, 1);
    group.freeze(true);
    // Resumed while the process is frozen.
    map.resume().unwrap();
    assert!(user.is_silent());
    group.freeze(false);
    assert_eq!(user.finish(), OLD);
    user.into_child().kill();
}

/// A process of two threads: one waits on the suspended map, the other then does as told.
fn beside_a_waiting_thread(map: &Map, work: impl FnOnce(&Channel, &Mapping) + Send) -> Child {
    Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        let began = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                began.wait();
                memory.load_u64(0)
            });
            began.wait();
            assert!(map.wait_for_waiter(None).unwrap());
            work(parent, &memory);
        });
        parent.say(memory.load_u64(0));
    })
}

fn suspended() -> Map {
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    map
}

#[test]
fn a_process_exits_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |_, _| std::process::exit(7));
    assert_eq!(child.end(), End::Exited(7));
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn a_process_executes_another_program_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |_, _| {
        let error: Result<Infallible, _> = Err(Command::new("/bin/false").exec());
        panic!("exec: {error:?}");
    });
    assert_eq!(child.end(), End::Exited(1), "which false does");
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn a_process_forks_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |parent, memory| {
        // The grandchild has the mapping too, and the thread that forked.
        let grandchild = Child::fork(|child| child.say(memory.load_u64(0)));
        await_waiters(&map, 2);
        parent.say(0);
        assert_eq!(grandchild.hear(), OLD);
        grandchild.succeed();
    });
    child.hear();
    assert_eq!(map.info().unwrap().waiters, 2);
    map.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    child.succeed();
}

#[test]
fn a_process_unmaps_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |parent, memory| {
        Region::from(memory).unmap().unwrap();
        parent.say(0);
        parent.hear();
    });
    child.hear();
    assert_eq!(map.info().unwrap().waiters, 1, "it has not seen yet what was done to it");
    map.resume().unwrap();
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
}

#[test]
fn a_process_moves_the_memory_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |parent, memory| {
        let region = Region::from(memory);
        let place = Region::reserve(1);
        region.remap(region.len(), MremapFlags::MAYMOVE, Some(place)).unwrap();
        parent.say(0);
        parent.hear();
    });
    child.hear();
    map.resume().unwrap();
    assert_eq!(child.end(), End::Killed(Signal::SEGV), "the thread looks where nothing is now");
}

#[test]
fn a_process_dumps_core_while_its_thread_waits() {
    let map = suspended();
    let child = beside_a_waiting_thread(&map, |_, _| {
        chdir("/tmp").unwrap();
        let unlimited = Rlimit { current: None, maximum: None };
        setrlimit(Resource::Core, unlimited).unwrap();
        kill_process(getpid(), Signal::ABORT).unwrap();
    });
    assert_eq!(child.end(), End::Dumped(Signal::ABORT));
    assert_eq!(map.info().unwrap().waiters, 0);
}
