// SPDX-License-Identifier: MIT OR Apache-2.0

//! A process dies, executes, forks, unmaps while one of its threads waits.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use iomd::{Map, Mapping};
use rustix::mm::MremapFlags;
use rustix::process::{Resource, Rlimit, Signal, chdir, getpid, kill_process, setrlimit};

use super::OLD;
use crate::support::{Channel, Child, End, Region, await_waiters, painted, unique_shared};

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
