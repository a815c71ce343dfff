// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is counted, driven as far up as a test can: past 8 and 16 bits, and on the clock to its end.

use iomd::{Deadline, Direction, Errno};
use rustix::process::Signal;

use crate::foreign;
use crate::support::{
    Child, End, PAGE, User, await_waiters, buffer, client, open_files, painted, scaled, signals,
    unique, unique_shared,
};

/// More than 16 bits count, where the kernel is not slow.
fn very_often() -> u64 {
    scaled(70_000)
}

#[test]
fn pages_are_wired_until_they_are_unwired_as_often() {
    let map = buffer(1).map().create().unwrap();
    for _ in 0..very_often() {
        map.wire(0, 0).unwrap();
    }
    for _ in 0..very_often() {
        assert_eq!(map.info().unwrap().wired, PAGE as u64);
        map.unwire(0, 0).unwrap();
    }
    assert_eq!(map.info().unwrap().wired, 0);
    assert_eq!(map.unwire(0, 0).unwrap_err().errno(), Errno::INVAL);
}

#[test]
fn memory_is_prepared_until_it_is_completed_as_often() {
    let source = foreign::memory(1);
    let (task, ranges) = (foreign::own_task(), [foreign::range(source)]);
    let memory = client().address_ranges(&task, &ranges, Direction::InOut).unwrap();
    for _ in 0..very_often() {
        memory.prepare(None).unwrap();
    }
    for _ in 0..very_often() {
        assert_ne!(memory.info().unwrap().resident, 0);
        memory.complete().unwrap();
    }
    assert_eq!(memory.info().unwrap().resident, 0);
    assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
    source.unmap().unwrap();
}

#[test]
fn a_map_that_is_suspended_again_and_again_is_resumed_by_one_call() {
    let memory = painted(1, 7);
    let map = unique(&memory);
    let user = User::of(&map);
    for _ in 0..very_often() {
        map.suspend().unwrap();
    }
    user.begin_read(0);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), 7);
}

#[test]
fn the_last_of_many_handles_ends_the_map() {
    let map = unique_shared(&painted(1, 7));
    let files = open_files();
    for _ in 0..scaled(10_000) {
        drop((map.reopen().unwrap(), map.reopen().unwrap()));
    }
    assert_eq!(open_files(), files);
    let mapping = map.mmap().unwrap();
    let last = map.reopen().unwrap();
    drop(map);
    assert_eq!(mapping.load_u64(0), 7, "it has not ended");
    drop(last);
    let child = Child::fork(|_| {
        signals::die_of(Signal::BUS);
        mapping.load_u64(0);
    });
    assert_eq!(child.end(), End::Killed(Signal::BUS), "now it has");
}

#[test]
fn the_last_moments_of_the_clock_have_not_passed() {
    for before_the_end in [0, 1, 2, 1_000_000_000] {
        let map = unique(&painted(1, 7));
        let user = User::of(&map);
        let deadline = Deadline::from_nanoseconds(i64::MAX as u64 - before_the_end);
        map.suspend_with().deadline(deadline).run().unwrap();
        user.begin_read(0);
        await_waiters(&map, 1);
        assert!(!map.info().unwrap().expired, "{before_the_end} ns before the end");
        map.resume().unwrap();
        assert_eq!(user.finish(), 7);
    }
}
