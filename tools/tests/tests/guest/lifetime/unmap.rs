// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the end of a map means to who touches it, and to who waits on it.

use std::thread;

use iomd::{Errno, Map};
use iomd_sys::{IOMD_FEATURES, iomd_features};
use rustix::process::Signal;

use super::{OLD, assert_dies, assert_ended, await_gone, exists, mapped};
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, LIMIT, PAGE, Region, User, await_waiters, buffer, client, eventually, objects,
    painted, raw, unique, unique_shared, window,
};

#[test]
fn unmap_ends_the_mapping_in_every_process_at_once() {
    for keep in [false, true] {
        let memory = painted(2, OLD);
        let builder = memory.map().unique(true).keep(keep);
        let map = builder.offset(PAGE as u64).length(8).create().unwrap();
        let users = [User::of(&map), User::of(&map)];
        users[0].read(0);
        let before = map.info().unwrap();
        assert!(before.address.is_some());
        assert_eq!((before.length, before.mapped_size), (8, PAGE as u64));
        map.unmap().unwrap();
        assert_ended(&map, &before);
        map.unmap().unwrap();
        assert_ended(&map, &before);
        for user in users {
            assert_dies(user, 0);
        }
        assert_ended(&map, &before);
        assert_eq!(window(&memory).load_u64(PAGE), OLD + 1, "the memory is there");
    }
}

#[test]
fn unmap_leaves_other_maps_of_the_memory_alone() {
    let memory = painted(1, OLD);
    let (map, other) = (unique(&memory), unique(&memory));
    let user = User::of(&other);
    mapped(&map).unmap().unwrap();
    map.unmap().unwrap();
    assert_eq!(user.read(0), OLD);
    assert_eq!(other.mmap().unwrap().load_u64(0), OLD);
}

#[test]
fn a_suspended_map_ends_no_less() {
    let map = unique(&painted(1, OLD));
    let users = [User::of(&map), User::of(&map)];
    map.suspend().unwrap();
    map.unmap().unwrap();
    let [one, other] = users;
    assert_dies(one, 0);
    drop(map);
    assert_dies(other, 0);
}

#[test]
fn who_handles_sigbus_gets_it_at_every_touch() {
    let map = unique(&painted(1, OLD));
    let child = Child::fork(|parent| {
        let region = mapped(&map);
        region.read(0);
        map.unmap().unwrap();
        signals::report(Signal::BUS, parent);
        region.read(0);
    });
    assert_eq!([child.hear(), child.hear()], [HANDLED; 2]);
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
}

/// Makes a region the argument of a call that the kernel answers there.
fn prepare_call(region: Region) {
    region.write(0, u64::from(raw::size::<iomd_features>()));
}

fn call(argument: Region) -> Result<(), Errno> {
    raw::call_at(client(), IOMD_FEATURES, argument.address())
}

#[test]
fn the_kernel_cannot_touch_an_ended_mapping() {
    let map = unique(&painted(1, OLD));
    let region = mapped(&map);
    prepare_call(region);
    assert_eq!(call(region), Ok(()));
    map.unmap().unwrap();
    assert_eq!(call(region), Err(Errno::FAULT));
    region.unmap().unwrap();
}

// Those who wait

const PROCESSES: usize = 3;
const THREADS: usize = 8;

/// Processes with threads that all wait on the suspended map, none of which has a handle.
fn many_waiting(map: &Map) -> [Child; PROCESSES] {
    let children = [(); PROCESSES].map(|()| {
        let child = Child::fork(|parent| {
            let region = mapped(map);
            parent.close_all_others();
            parent.say(0);
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| region.read(0));
                }
            });
        });
        child.hear();
        child
    });
    await_waiters(map, (PROCESSES * THREADS) as u64);
    children
}

#[test]
fn unmap_wakes_all_who_wait() {
    let map = unique(&painted(1, OLD));
    map.suspend().unwrap();
    let children = many_waiting(&map);
    map.unmap().unwrap();
    for child in children {
        assert_eq!(child.end(), End::Killed(Signal::BUS));
    }
    assert_eq!(map.info().unwrap().waiters, 0);
    assert!(!map.wait_for_waiter(Some(LIMIT)).unwrap());
}

#[test]
fn the_last_close_wakes_all_who_wait() {
    let map = unique(&painted(1, OLD));
    let id = map.id().unwrap();
    map.suspend().unwrap();
    let children = many_waiting(&map);
    drop(map);
    for child in children {
        assert_eq!(child.end(), End::Killed(Signal::BUS));
    }
    await_gone(id);
}

#[test]
fn the_end_wakes_the_kernel_too() {
    let ends: [fn(Map); 2] = [|map| map.unmap().unwrap(), drop];
    for end in ends {
        let map = unique(&buffer(1));
        let child = Child::fork(|parent| {
            let region = mapped(&map);
            parent.close_all_others();
            prepare_call(region);
            parent.say(0);
            parent.hear();
            parent.say_outcome(call(region).map(|()| 0));
        });
        child.hear();
        map.suspend().unwrap();
        child.say(0);
        await_waiters(&map, 1);
        child.await_state('D');
        end(map);
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT));
        child.succeed();
    }
}

#[test]
fn a_killed_process_with_threads_that_wait_leaves_nothing_behind() {
    let before = objects();
    let child = Child::fork(|parent| {
        let memory = painted(2, OLD);
        let maps = [unique(&memory), unique_shared(&memory)];
        let regions = maps.each_ref().map(mapped);
        regions.map(prepare_call);
        thread::scope(|scope| {
            for (map, region) in maps.iter().zip(regions) {
                map.suspend().unwrap();
                for _ in 0..THREADS {
                    scope.spawn(move || region.read(PAGE));
                }
                // The kernel waits for it as well.
                scope.spawn(move || call(region));
                await_waiters(map, THREADS as u64 + 1);
            }
            parent.say(memory.id().unwrap());
        });
    });
    let memory = child.hear();
    assert!(exists(memory));
    assert_eq!(objects().len(), before.len() + 3);
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
    eventually("its objects are gone", || objects() == before);
}
