// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who waits holds no lock that others need.

use std::fs;

use rustix::mm::{Advice, MprotectFlags};

use super::OLD;
use crate::support::{
    Child, PAGE, Region, User, await_waiters, eventually, painted, proc, unique, unique_shared,
};

#[test]
fn others_see_the_address_space_of_who_waits() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    let address = map.info().unwrap().address.unwrap() as usize;
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert!(proc::is_mapped(user.pid(), address));
    for name in ["smaps", "status", "cmdline", "environ"] {
        fs::read(format!("/proc/{}/{name}", user.pid())).unwrap();
    }
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn other_threads_change_the_address_space_meanwhile() {
    let map = unique_shared(&painted(4, OLD));
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| memory.load_u64(0));
            await_waiters(&map, 1);
            // All of these take the lock of the address space for writing.
            let region = Region::reserve(4);
            region.pages(0..2).unmap().unwrap();
            region.pages(0..2).fill().unwrap();
            region.protect(MprotectFlags::READ).unwrap();
            let last = Region::from(&memory).pages(3..4);
            last.protect(MprotectFlags::READ).unwrap();
            last.advise(Advice::LinuxDontDump).unwrap();
            last.unmap().unwrap();
            last.fill().unwrap();
            let again = map.mmap().unwrap();
            assert_eq!(again.len(), 4 * PAGE);
            drop(again);
            parent.say(0);
            parent.say(reader.join().unwrap());
        });
    });
    child.hear();
    assert_eq!(map.info().unwrap().waiters, 1);
    map.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    child.succeed();
}

#[test]
fn other_memory_of_the_process_works_meanwhile() {
    let (suspended, live) = (unique(&painted(1, OLD)), unique(&painted(64, OLD)));
    suspended.suspend().unwrap();
    let child = Child::fork(|parent| {
        let (waits, works) = (suspended.mmap().unwrap(), live.mmap().unwrap());
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| waits.load_u64(0));
            await_waiters(&suspended, 1);
            for page in 0..64 {
                assert_eq!(works.load_u64(page * PAGE), OLD + page as u64);
            }
            parent.say(0);
            parent.say(reader.join().unwrap());
        });
    });
    child.hear();
    suspended.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    child.succeed();
}

#[test]
fn calls_on_the_map_work_meanwhile() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert_eq!(memory.info().unwrap().maps, 1);
    drop(unique(&memory).mmap().unwrap());
    let other = painted(1, 0);
    memory.copy_to(&other).run().unwrap();
    assert!(map.info().unwrap().suspended, "the copy has not resumed what it did not suspend");
    eventually("the access still waits", || map.info().unwrap().waiters == 1);
    assert!(user.is_silent());
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}
