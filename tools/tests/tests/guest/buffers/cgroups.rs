// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory cgroups: what a process makes is charged to its group, whoever touches it.

use iomd::{BufferFlags, Descriptor, Errno, Map};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::support::cgroup::Cgroup;
use crate::support::privileges::become_user;
use crate::support::{Channel, Child, End, PAGE, User, client, eventually, scaled, unique, window};

const MIB: u64 = 1 << 20;

/// What each processor has taken from a group in advance, and what it takes to find pages.
const TOLERANCE: u64 = 2 * MIB;

/// A process in a group that makes something, hands it over and stays.
fn maker<T: std::os::fd::AsFd>(group: &Cgroup, make: impl FnOnce() -> T) -> Child {
    let child = Child::fork(|parent| {
        group.enter();
        parent.say(0);
        parent.hear();
        parent.send(make());
        // Here until it is told.
        parent.hear();
        parent.say(0);
    });
    child.hear();
    child
}

/// A process in a group that touches so much of a map, tells so, and stays.
fn toucher(group: &Cgroup, map: &Map, bytes: u64) -> Child {
    let child = Child::fork(|parent| {
        group.enter();
        let mapped = map.mmap().unwrap();
        parent.say(0);
        parent.hear();
        for page in (0..bytes as usize).step_by(PAGE) {
            mapped.store_u64(page, 1);
        }
        parent.say(0);
        parent.hear();
    });
    child.hear();
    child
}

/// Becomes a user who may lock so much memory.
fn become_limited(user: u32, bytes: u64) {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::Memlock, limit).unwrap();
    become_user(user);
}

#[track_caller]
fn assert_about(bytes: u64, expected: u64) {
    let range = expected.saturating_sub(TOLERANCE)..=expected + TOLERANCE;
    assert!(range.contains(&bytes), "{bytes} bytes are charged, and not about {expected}");
}

/// Waits until about so much is charged to a group.
#[track_caller]
fn await_about(group: &Cgroup, expected: u64) {
    let range = expected.saturating_sub(TOLERANCE)..=expected + TOLERANCE;
    eventually(&format!("about {expected} bytes are charged"), || range.contains(&group.charged()));
}

/// Asserts that the limit of a group was hit and nobody died of it.
#[track_caller]
fn assert_limited(group: &Cgroup, others: &[&Cgroup]) {
    assert_ne!(group.events("max"), 0, "the limit was hit");
    for group in others.iter().chain([&group]) {
        assert_eq!(group.events("oom_kill"), 0);
        assert_eq!(group.events("oom_group_kill"), 0);
    }
}

/// Lets a maker go, which must be there still.
#[track_caller]
fn dismiss(maker: Child) {
    maker.say(0);
    maker.hear();
    maker.succeed();
}

#[test]
fn a_page_is_charged_to_the_creator_and_not_to_who_touches_it() {
    const LENGTH: u64 = 16 * MIB;
    let (creator, other) = (Cgroup::new("creator"), Cgroup::new("other"));
    let maker = maker(&creator, || client().sparse_buffer(LENGTH).unwrap());
    maker.say(0);
    let memory: Descriptor = maker.receive();
    let map = unique(&memory);
    let before = creator.charged();
    let toucher = toucher(&other, &map, LENGTH);
    let other_before = other.charged();
    toucher.say(0);
    toucher.hear();
    assert_about(creator.charged(), before + LENGTH);
    assert_about(other.charged(), other_before);

    // The memory is what is charged, and not any process.
    toucher.kill();
    dismiss(maker);
    let before = before.min(creator.charged().saturating_sub(LENGTH));
    assert_about(creator.charged(), before + LENGTH);
    drop(map);
    assert_about(creator.charged(), before + LENGTH);
    drop(memory);
    await_about(&creator, before);
}

#[test]
fn a_populated_buffer_is_charged_at_once() {
    const LENGTH: u64 = 16 * MIB;
    for flags in [BufferFlags::empty(), BufferFlags::LARGE] {
        let creator = Cgroup::new("creator");
        let maker = maker(&creator, || client().buffer_with(LENGTH, flags).unwrap());
        let before = creator.charged();
        maker.say(0);
        let memory: Descriptor = maker.receive();
        assert_about(creator.charged(), before + LENGTH);
        drop(window(&memory));
        dismiss(maker);
        drop(memory);
        await_about(&creator, 0);
    }
}

#[test]
fn memory_that_is_together_is_charged_at_once() {
    const EACH: u64 = 4 * MIB;
    let creator = Cgroup::new("creator");
    let maker = maker(&creator, || {
        let make = || client().buffer_with(EACH, BufferFlags::CONTIGUOUS).unwrap();
        // They stay as long as the process.
        (0..7).for_each(|_| std::mem::forget(make()));
        make()
    });
    let before = creator.charged();
    maker.say(0);
    let last: Descriptor = maker.receive();
    assert_about(creator.charged(), before + 8 * EACH);
    drop(last);
    dismiss(maker);
    await_about(&creator, 0);
}

#[test]
fn memory_mapped_from_the_device_is_charged_to_who_maps_it() {
    const LENGTH: u64 = 16 * MIB;
    let (creator, other) = (Cgroup::new("creator"), Cgroup::new("other"));
    // The client is another's.
    let client = client();
    let owner = Child::fork(|parent| {
        creator.enter();
        let memory = client.map_fresh(LENGTH as usize).unwrap();
        // A child in another group touches it.
        let child = Child::fork(|parent| {
            other.enter();
            parent.say(0);
            parent.hear();
            for page in (0..LENGTH as usize).step_by(PAGE) {
                memory.store_u64(page, 1);
            }
            parent.say(0);
            // Until it is gone.
            while parent.listen().is_some() {}
        });
        child.hear();
        parent.say(0);
        parent.hear();
        child.say(0);
        child.hear();
        parent.say(0);
        parent.hear();
    });
    owner.hear();
    let before = (creator.charged(), other.charged());
    owner.say(0);
    owner.hear();
    assert_about(creator.charged(), before.0 + LENGTH);
    assert_about(other.charged(), before.1);
    owner.kill();
    await_about(&creator, 0);
}

#[test]
fn who_touches_beyond_the_creator_s_limit_is_told_and_nobody_is_killed_for_it() {
    const LENGTH: u64 = 32 * MIB;
    let (creator, other) = (Cgroup::new("creator"), Cgroup::new("other"));
    let maker = maker(&creator, || {
        let client = client();
        become_limited(5012, LENGTH);
        client.sparse_buffer(LENGTH).unwrap()
    });
    maker.say(0);
    let memory: Descriptor = maker.receive();
    let map = unique(&memory);
    creator.limit(creator.charged() + 8 * MIB);
    let first = toucher(&other, &map, LENGTH);
    first.say(0);
    assert_eq!(first.end(), End::Killed(Signal::BUS));
    assert_limited(&creator, &[&other]);
    assert_about(memory.info().unwrap().resident, 8 * MIB);

    // With more room it goes on: what could not be had is not charged, as locked memory either.
    let user = User::of(&map);
    creator.limit(2 * LENGTH);
    user.write(LENGTH as usize - PAGE, 1);
    let second = toucher(&other, &map, LENGTH);
    second.say(0);
    second.hear();
    assert_eq!(memory.info().unwrap().resident, LENGTH);
    second.kill();
    user.into_child().kill();
    drop((map, memory));
    dismiss(maker);
    await_about(&creator, 0);
}

#[test]
fn nobody_is_killed_for_what_it_takes_to_find_pages_either() {
    // Far apart, each page needs as much again; the limit is hit by one or by the other.
    const STRIDE: usize = 1 << 30;
    const PAGES: usize = 1 << 12;
    let (creator, other) = (Cgroup::new("creator"), Cgroup::new("other"));
    for round in 0..scaled(10).max(4) {
        let maker = maker(&creator, || client().sparse_buffer((STRIDE * PAGES) as u64).unwrap());
        maker.say(0);
        let memory: Descriptor = maker.receive();
        let map = unique(&memory);
        creator.limit(creator.charged() + 4 * MIB + round * 5 * PAGE as u64);
        let toucher = Child::fork(|parent| {
            other.enter();
            let mapped = map.mmap().unwrap();
            for page in 0..PAGES {
                mapped.store_u64(page * STRIDE, 1);
            }
            parent.say(0);
        });
        assert_eq!(toucher.end(), End::Killed(Signal::BUS), "round {round}");
        assert_limited(&creator, &[&other]);
        drop((map, memory));
        dismiss(maker);
        creator.limit(1 << 40);
    }
    await_about(&creator, 0);
}

#[test]
fn a_populated_buffer_beyond_the_limit_is_refused_and_nobody_is_killed_for_it() {
    let creator = Cgroup::new("creator");
    let client = client();
    let child = Child::fork(|parent: &Channel| {
        creator.enter();
        become_limited(5013, 32 * MIB);
        parent.say(0);
        parent.hear();
        for _ in 0..3 {
            let refused = client.buffer(32 * MIB).map(drop).map_err(|error| error.errno());
            parent.say_outcome(refused.map(|()| 0));
        }
        parent.hear();
        // With more room all of it can be had: nothing is left charged, as locked memory either.
        client.buffer(32 * MIB).unwrap();
    });
    child.hear();
    let before = creator.charged();
    creator.limit(before + 8 * MIB);
    child.say(0);
    for _ in 0..3 {
        assert_eq!(child.hear_outcome(), Err(Errno::NOMEM));
    }
    assert_limited(&creator, &[]);
    await_about(&creator, before);
    creator.limit(64 * MIB);
    child.say(0);
    child.succeed();
}
