// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a map says that it is mapped, and by whom: the first that mapped it, as long as it does.

use std::thread;

use iomd::{Map, MmapOptions};
use rustix::mm::MprotectFlags;
use rustix::process::{Pid, getpid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::mapped;
use crate::support::{Child, PAGE, Region, User, buffer, eventually, unique, unique_shared};

/// The process and its address, as the map says.
fn place(map: &Map) -> (Option<i32>, Option<usize>) {
    let info = map.info().unwrap();
    (info.task, info.address.map(|address| address as usize))
}

fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

/// The calling process, with the map there.
fn here(region: Region) -> (Option<i32>, Option<usize>) {
    (Some(number(getpid())), Some(region.address()))
}

const NOWHERE: (Option<i32>, Option<usize>) = (None, None);

#[test]
fn the_address_comes_and_goes_with_the_mapping() {
    let map = unique(&buffer(4));
    assert_eq!(place(&map), NOWHERE);
    let taken = Region::reserve(4);
    for _ in 0..2 {
        let region = mapped(&map);
        assert_eq!(place(&map), here(region));
        region.unmap().unwrap();
        assert_eq!(place(&map), NOWHERE);
    }
    taken.unmap().unwrap();
    let part = MmapOptions { offset: PAGE as u64, length: PAGE, ..MmapOptions::default() };
    let region = Region::from(map.mmap_with(part).unwrap());
    assert_eq!(place(&map), here(region), "a part of it, where that is");
    region.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn redirects_do_not_change_it() {
    let map = unique(&buffer(1));
    let region = mapped(&map);
    map.suspend().unwrap();
    assert_eq!(place(&map), here(region));
    map.redirect(&buffer(1)).run().unwrap();
    assert_eq!(place(&map), here(region));
    region.unmap().unwrap();
}

#[test]
fn it_follows_the_mapping() {
    let map = unique(&buffer(4));
    let mut region = mapped(&map);
    for _ in 0..3 {
        let moved = region.moved();
        assert_ne!(moved, region);
        region = moved;
        assert_eq!(place(&map), here(region));
    }
    region.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn it_is_that_of_the_first_page() {
    let map = unique(&buffer(4));
    let region = mapped(&map);
    let rest = region.pages(2..4).moved();
    assert_eq!(place(&map), here(region));
    let middle = region.pages(1..2);
    middle.protect(MprotectFlags::READ).unwrap();
    middle.unmap().unwrap();
    assert_eq!(place(&map), here(region));
    let first = region.pages(0..1).moved();
    assert_eq!(place(&map), here(first));
    first.unmap().unwrap();
    assert_eq!(place(&map), (Some(number(getpid())), None), "it has other parts of it yet");
    rest.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);

    // The same in one step.
    let region = mapped(&map);
    let first = region.pages(0..1).moved();
    assert_eq!(place(&map), here(first));
    region.pages(1..4).unmap().unwrap();
    assert_eq!(place(&map), here(first));
    first.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn it_is_that_of_the_first_mapping() {
    let map = unique(&buffer(1));
    let [first, second, third] = [(); 3].map(|()| mapped(&map));
    assert_eq!(place(&map), here(first));
    third.unmap().unwrap();
    assert_eq!(place(&map), here(first));
    first.unmap().unwrap();
    assert_eq!(place(&map), (Some(number(getpid())), None));
    let fourth = mapped(&map);
    assert_eq!(place(&map), here(fourth), "the next sets it");
    second.unmap().unwrap();
    assert_eq!(place(&map), here(fourth));
    fourth.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn it_does_not_follow_another_mapping() {
    let map = unique(&buffer(1));
    let [first, second] = [(); 2].map(|()| mapped(&map));
    let second = second.moved();
    assert_eq!(place(&map), here(first));
    second.unmap().unwrap();
    assert_eq!(place(&map), here(first));
    first.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn a_thread_maps_for_its_process() {
    let map = unique(&buffer(1));
    let region = thread::scope(|scope| scope.spawn(|| mapped(&map)).join().unwrap());
    assert_eq!(place(&map), here(region));
    region.unmap().unwrap();
}

#[test]
fn other_processes_do_not_change_it() {
    let map = unique(&buffer(2));
    let first = User::of(&map);
    let told = place(&map);
    assert_eq!(told.0, Some(number(first.pid())));
    let region = mapped(&map);
    let second = User::with(|| mapped(&map).moved());
    assert_eq!(place(&map), told);
    region.unmap().unwrap();
    assert_eq!(place(&map), told);
    first.into_child().kill();
    eventually("the first has left", || place(&map) == NOWHERE);
    let region = mapped(&map);
    assert_eq!(place(&map), here(region), "the next that maps it, though another has it mapped");
    second.into_child().kill();
    assert_eq!(place(&map), here(region));
    region.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE);
}

#[test]
fn who_inherits_a_mapping_has_not_mapped_it() {
    let map = unique_shared(&buffer(1));
    let parent = User::of(&map);
    let told = place(&map);
    assert_eq!(told.0, Some(number(parent.pid())));
    let region = mapped(&map);
    let heir = User::with(|| region);
    assert_eq!(place(&map), told);
    parent.into_child().kill();
    eventually("the first has left", || place(&map) == NOWHERE);
    heir.into_child().kill();
    region.unmap().unwrap();

    let region = mapped(&map);
    let heir = User::with(|| region);
    // What the heir does with it is its own affair.
    let mover = User::with(|| region.moved());
    assert_eq!(place(&map), here(region));
    heir.into_child().kill();
    mover.into_child().kill();
    assert_eq!(place(&map), here(region));
    let heir = User::with(|| region);
    region.unmap().unwrap();
    assert_eq!(place(&map), NOWHERE, "though the heir has it");
    assert_eq!(heir.read(0), 0);
}

// Namespaces

/// A process of a new pid namespace, whose first it is; and the number it has outside.
fn in_new_namespace(work: impl FnOnce(&crate::support::Channel)) -> (Child, i32) {
    let child = Child::fork(|parent| {
        // SAFETY: file descriptors are not unshared.
        unsafe { unshare_unsafe(UnshareFlags::NEWPID) }.unwrap();
        let first = Child::fork(|_| work(parent));
        parent.say(number(first.pid()) as u64);
        first.succeed();
    });
    let outside = child.hear() as i32;
    (child, outside)
}

#[test]
fn a_process_is_seen_from_its_namespace_and_those_above() {
    let map = unique(&buffer(1));
    let (child, outside) = in_new_namespace(|test| {
        test.hear();
        let region = mapped(&map);
        assert_eq!(number(getpid()), 1);
        assert_eq!(place(&map), here(region));
        test.say(region.address() as u64);
        test.hear();
    });
    child.say(0);
    let address = child.hear() as usize;
    assert_eq!(place(&map), (Some(outside), Some(address)));
    child.say(0);
    child.succeed();
}

#[test]
fn no_process_is_seen_from_elsewhere() {
    let maps = [unique(&buffer(1)), unique(&buffer(1))];
    let region = mapped(&maps[0]);
    let (child, outside) = in_new_namespace(|test| {
        mapped(&maps[1]);
        test.hear();
        test.say(0);
        test.hear();
    });
    child.say(0);
    child.hear();
    assert_eq!(place(&maps[1]).0, Some(outside));
    let (other, _) = in_new_namespace(|test| {
        // Neither who is above nor who is beside.
        test.hear();
        assert_eq!(maps.each_ref().map(|map| place(map).0), [None; 2]);
        test.say(0);
        test.hear();
    });
    other.say(0);
    other.hear();
    other.say(0);
    other.succeed();
    child.say(0);
    child.succeed();
    assert_eq!(place(&maps[0]), here(region));
    region.unmap().unwrap();
}
