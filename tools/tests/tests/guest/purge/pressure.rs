// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is short: in the machine, or in a memory cgroup, which takes only its own.

use iomd::{BufferFlags, Descriptor, Purgeable};
use rustix::system::sysinfo;

use super::{TAG, set, squeeze, state};
use crate::support::cgroup::Cgroup;
use crate::support::pin::Pin;
use crate::support::{
    Child, PAGE, Region, assert_painted, client, eventually, painted, unique, window,
};

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 16 * MIB;

/// What each processor has taken from a group in advance, and what it takes to find pages.
const TOLERANCE: u64 = 2 * MIB;

/// A process in a group that makes a buffer and hands it over; then it makes another one each time
/// it is told, keeps it, and tells whether it could.
fn maker(group: &Cgroup) -> (Child, Descriptor) {
    let client = client();
    let child = Child::fork(|parent| {
        group.enter();
        parent.send(client.buffer(LENGTH).unwrap());
        let mut kept = Vec::new();
        while let Some(length) = parent.listen() {
            let made = client.buffer(length).map_err(|error| error.errno());
            parent.say_outcome(made.map(|made| kept.push(made)).map(|()| 0));
        }
    });
    let memory = child.receive();
    (child, memory)
}

#[test]
fn only_volatile_memory_is_taken() {
    let (volatile, kept) = (painted(8, TAG), painted(8, TAG));
    set(&volatile, Purgeable::Volatile).unwrap();
    set(&kept, Purgeable::Volatile).unwrap();
    set(&kept, Purgeable::NonVolatile).unwrap();
    assert_painted(&volatile, TAG);
    squeeze();
    assert_eq!((state(&volatile), state(&kept)), (Purgeable::Empty, Purgeable::NonVolatile));
    assert_eq!(volatile.info().unwrap().resident, 0, "all of it");
    assert_painted(&kept, TAG);
    assert_eq!(set(&volatile, Purgeable::NonVolatile), Ok(Purgeable::Empty));
    squeeze();
    assert_eq!(state(&volatile), Purgeable::NonVolatile);
}

#[test]
fn memory_held_for_io_is_passed_over() {
    let (held, other) = (painted(8, TAG), painted(8, TAG));
    let map = unique(&held);
    let mapping = map.mmap().unwrap();
    let pin = Pin::of(Region::from(&mapping).pages(7..8));
    for memory in [&held, &other] {
        set(memory, Purgeable::Volatile).unwrap();
    }
    squeeze();
    assert_eq!((state(&held), state(&other)), (Purgeable::Volatile, Purgeable::Empty));
    assert_painted(&held, TAG);
    assert_eq!(held.info().unwrap().resident, 8 * PAGE as u64, "all of it or nothing");
    drop(pin);
    squeeze();
    assert_eq!(state(&held), Purgeable::Empty, "it was not forgotten");
}

#[test]
fn wired_memory_is_passed_over() {
    let memory = painted(8, TAG);
    let map = memory.map().create().unwrap();
    map.wire(7 * PAGE as u64, 1).unwrap();
    set(&memory, Purgeable::Volatile).unwrap();
    squeeze();
    assert_eq!(state(&memory), Purgeable::Volatile);
    assert_painted(&memory, TAG);
    map.unwire(7 * PAGE as u64, 1).unwrap();
    squeeze();
    assert_eq!(state(&memory), Purgeable::Empty);
}

#[test]
fn a_group_at_its_limit_takes_its_own() {
    let groups = [Cgroup::new("short"), Cgroup::new("other")];
    let [(short, memory), (other, others)] = groups.each_ref().map(maker);
    let windows = [&memory, &others].map(window);
    for (memory, window) in [&memory, &others].into_iter().zip(&windows) {
        window.store_u64(0, TAG);
        set(memory, Purgeable::Volatile).unwrap();
    }
    let charged = groups[0].charged();
    groups[0].limit(charged + TOLERANCE);
    short.say(LENGTH);
    assert_eq!(short.hear_outcome(), Ok(0), "there is room, since the first can go");
    assert_eq!((state(&memory), state(&others)), (Purgeable::Empty, Purgeable::Volatile));
    assert_eq!(windows[1].load_u64(0), TAG);
    assert_ne!(groups[0].events("max"), 0, "the limit was hit");
    assert_eq!(groups[0].events("oom_kill"), 0);
    let about = charged.saturating_sub(TOLERANCE)..=charged + TOLERANCE;
    eventually("the charge of what was taken is gone", || about.contains(&groups[0].charged()));

    // What was taken cannot be had back where it was needed, and is not missed elsewhere.
    let refused = set(&memory, Purgeable::NonVolatile);
    assert_eq!(refused, Err(iomd::Errno::NOMEM));
    assert_eq!(state(&memory), Purgeable::Empty);
    groups[0].limit(charged + LENGTH + 2 * TOLERANCE);
    assert_eq!(set(&memory, Purgeable::NonVolatile), Ok(Purgeable::Empty));
    assert_eq!(windows[0].load_u64(0), 0);
    drop((short, other));
}

#[test]
fn the_oldest_goes_and_no_more_than_is_needed() {
    const PART: u64 = 4 * MIB;
    let group = Cgroup::new("short");
    let client = client();
    let child = Child::fork(|parent| {
        group.enter();
        for _ in 0..4 {
            parent.send(client.buffer(PART).unwrap());
        }
        let mut kept = Vec::new();
        while parent.listen().is_some() {
            kept.push(client.buffer(PART).unwrap());
            parent.say(0);
        }
    });
    let memories: [Descriptor; 4] = std::array::from_fn(|_| child.receive());
    let mut left = vec![2, 0, 3, 1];
    for &number in &left {
        set(&memories[number], Purgeable::Volatile).unwrap();
    }
    // Volatile for the second time: only now the youngest.
    set(&memories[2], Purgeable::NonVolatile).unwrap();
    set(&memories[2], Purgeable::Volatile).unwrap();
    left.rotate_left(1);
    group.limit(group.charged() + MIB);
    while !left.is_empty() {
        child.say(0);
        child.hear();
        left.remove(0);
        for (number, memory) in memories.iter().enumerate() {
            let expected =
                if left.contains(&number) { Purgeable::Volatile } else { Purgeable::Empty };
            assert_eq!(state(memory), expected, "number {number}, when {left:?} are to be left");
        }
    }
    assert_eq!(group.events("oom_kill"), 0);
}

#[test]
fn a_machine_that_is_short_takes_what_it_may() {
    // Much more than is asked for at a time, so that there is room when it is gone.
    let volatile = client().buffer(4 * LENGTH).unwrap();
    set(&volatile, Purgeable::Volatile).unwrap();
    let mut kept = Vec::new();
    // In large pieces, which takes no time, as long as the kernel sees no need to look for memory.
    while sysinfo().freeram > 12 * LENGTH {
        let Ok(piece) = client().buffer_with(LENGTH, BufferFlags::LARGE) else { break };
        kept.push(piece);
    }
    while state(&volatile) == Purgeable::Volatile {
        kept.push(client().buffer(LENGTH / 4).expect("there is room, since the first can go"));
    }
    assert_eq!(state(&volatile), Purgeable::Empty);
}

#[test]
fn a_group_that_is_gone_leaves_its_memory_to_the_one_above() {
    let memory = {
        let group = Cgroup::new("gone");
        let (child, memory) = maker(&group);
        set(&memory, Purgeable::Volatile).unwrap();
        drop(child);
        memory
    };
    assert_eq!(state(&memory), Purgeable::Volatile);
    squeeze();
    assert_eq!(state(&memory), Purgeable::Empty);
}
