// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sub-maps: parts of a larger map, which they keep.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{Errno, Map, MapOptions, MmapOptions};
use iomd_sys as sys;
use rustix::process::Signal;

use super::{P, READ, Shared, TAG, id, place};
use crate::support::raw::{call, refused, size};
use crate::support::{End, client, objects};

#[test]
fn it_tells_about_itself() {
    let shared = Shared::new();
    let part = shared.find(|builder| builder.offset(3 * P).length(P + 5)).unwrap();
    let info = part.info().unwrap();
    assert_ne!(info.id, id(&shared.map));
    assert_eq!(info.descriptor_id, shared.memory.id().unwrap());
    assert_eq!((info.offset, info.length, info.mapped_size), (3 * P, P + 5, 2 * P));
    assert_eq!(info.task, Some(shared.target.pid()));
    assert_eq!(info.address, Some(shared.address + P));
    // As asked for, and Static.
    let options = MapOptions::ANYWHERE | MapOptions::REFERENCE | MapOptions::STATIC;
    assert_eq!(info.options, options);
    assert!(!info.ended && !info.suspended);
    assert_eq!((info.part_of, info.sub_map), (Some(id(&shared.map)), true));

    let plain = shared.memory.map_in_task(&shared.target.task).offset(5 * P).length(P);
    let options = plain.at(shared.address + 3 * P).create().unwrap().info().unwrap().options;
    assert_eq!(options, MapOptions::STATIC);
}

#[test]
fn it_outlives_the_creator_of_the_larger_one() {
    let shared = Shared::new();
    let (part, other) = (shared.find_pages(4, 1).unwrap(), shared.find_pages(5, 1).unwrap());
    let Shared { memory: _memory, target, map, address } = shared;
    drop(map);
    assert_eq!(target.read(address), TAG + 2);
    assert_eq!(target.read(place(&part)), TAG + 4);
    // Each keeps all of it, and the last one to go ends it.
    drop(part);
    assert_eq!(target.read(address), TAG + 2);
    drop(other);
    target.begin(READ, address);
    assert_eq!(target.child.end(), End::Killed(Signal::BUS));
}

#[test]
fn a_part_of_a_part_keeps_it_too() {
    let mut shared = Shared::new();
    let part = shared.find_pages(3, 3).unwrap();
    let part_of_part = shared.find_pages(4, 1).unwrap();
    shared.map = part_of_part;
    drop(part);
    assert_eq!(shared.target.read(shared.address), TAG + 2);
    assert_eq!(place(&shared.map), shared.address + 2 * P);
    // The larger one is found still.
    let whole = shared.find_pages(2, 4).unwrap();
    assert_eq!(place(&whole), shared.address);
}

#[test]
fn the_same_part_is_the_same_object() {
    let shared = Shared::new();
    let part = shared.find_pages(3, 2).unwrap();
    let again = shared.find_pages(3, 2).unwrap();
    assert_eq!(id(&part), id(&again));
    let other = shared.find_pages(3, 1).unwrap();
    assert_ne!(id(&part), id(&other));

    let gone = id(&part);
    drop((part, again));
    assert!(!objects().contains(&gone));
    let new = shared.find_pages(3, 2).unwrap();
    assert!(id(&new) > gone);
}

#[test]
fn it_moves_with_the_larger_one() {
    let shared = Shared::new();
    let (part, other) = (shared.find_pages(3, 1).unwrap(), shared.find_pages(4, 2).unwrap());
    let moved = shared.target.move_pages(shared.address, 4);
    assert_eq!(
        (place(&shared.map), place(&part), place(&other)),
        (moved, moved + P, moved + 2 * P)
    );
    assert_eq!(shared.target.read(place(&part)), TAG + 3);
    assert_eq!(id(&shared.find_pages(3, 1).unwrap()), id(&part), "it is found there");
    // And back.
    let moved = shared.target.move_pages(moved, 4);
    assert_eq!(place(&part), moved + P);

    // What is moved by itself is no part of it any more.
    shared.target.move_pages(moved + P, 1);
    assert_eq!(part.info().unwrap().address, None);
    assert_eq!((place(&shared.map), place(&other)), (moved, moved + 2 * P));
}

#[test]
fn its_unmap_ends_only_itself() {
    let shared = Shared::new();
    let (part, other) = (shared.find_pages(3, 2).unwrap(), shared.find_pages(3, 1).unwrap());
    part.unmap().unwrap();
    part.unmap().unwrap();
    let info = part.info().unwrap();
    assert!(info.ended);
    assert_eq!((info.task, info.address), (None, None));
    assert_eq!((info.offset, info.length), (3 * P, 2 * P));

    assert_eq!(shared.target.read(shared.address + P), TAG + 3);
    assert!(!shared.map.info().unwrap().ended);
    assert_eq!(place(&other), shared.address + P);
    // It is not found any more.
    assert_ne!(id(&shared.find_pages(3, 2).unwrap()), id(&part));
}

#[test]
fn it_ends_with_the_larger_one() {
    let shared = Shared::new();
    let part = shared.find_pages(3, 2).unwrap();
    shared.map.unmap().unwrap();
    let info = part.info().unwrap();
    assert!(info.ended);
    assert_eq!((info.task, info.address), (None, None));
    assert_eq!(shared.find_pages(3, 2).unwrap_err(), Errno::NOENT);
}

#[test]
fn it_is_listed_opened_and_reopened() {
    let shared = Shared::new();
    let part = shared.find_pages(3, 2).unwrap();
    let number = id(&part);
    assert!(objects().contains(&number));
    let opened = client().open_map(number).unwrap();
    let reopened = opened.reopen().unwrap();
    drop((part, opened));
    assert_eq!(id(&reopened), number);
    assert_eq!(place(&reopened), shared.address + P);
    drop(reopened);
    assert!(!objects().contains(&number));
    assert_eq!(client().open_map(number).unwrap_err().errno(), Errno::NOENT);
}

/// Asserts that nothing but its name can be had of an object that maps nothing.
#[track_caller]
pub fn assert_maps_nothing(shared: &Shared, part: &Map) {
    let errno = |outcome: iomd::Result<_>| outcome.map_err(|error| error.errno());
    assert_eq!(errno(part.redirect(&shared.memory).run().map(drop)), Err(Errno::PERM));
    assert_eq!(errno(part.suspend().map(drop)), Err(Errno::PERM));
    assert_eq!(errno(part.resume()), Err(Errno::PERM));
    assert_eq!(errno(part.wire(0, 0)), Err(Errno::PERM));
    assert_eq!(errno(part.map_into(&shared.target.task).run().map(drop)), Err(Errno::PERM));
    let seal = sys::iomd_map_seal { size: size::<sys::iomd_map_seal>(), ..Default::default() };
    assert_eq!(refused(part, sys::IOMD_MAP_SEAL, seal), Errno::PERM);
    assert_eq!(errno(part.waits().map(drop)), Err(Errno::INVAL));
    let options = MmapOptions { length: 1, read_only: true, ..Default::default() };
    assert_eq!(errno(part.mmap_with(options).map(drop)), Err(Errno::NODEV));
    let batch = client();
    let batch = batch.batch().redirect(part, &shared.memory).run().map(drop);
    assert_eq!(errno(batch), Err(Errno::INVAL));
    let mut next =
        sys::iomd_task_info { size: size::<sys::iomd_task_info>(), ..Default::default() };
    assert_eq!(call(part, sys::IOMD_TASK_INFO, &mut next), Err(Errno::NOTTY));
}

#[test]
fn what_would_need_a_mapping_of_its_own_is_refused() {
    let shared = Shared::new();
    let part = shared.find_pages(3, 2).unwrap();
    assert_maps_nothing(&shared, &part);
    assert_eq!(shared.target.read(shared.address + P), TAG + 3);
}

#[test]
fn fdinfo_tells_of_it() {
    let shared = Shared::new();
    let part = shared.find_pages(3, 2).unwrap();
    let file = format!("/proc/self/fdinfo/{}", part.as_fd().as_raw_fd());
    let told = || std::fs::read_to_string(&file).unwrap();
    assert!(told().contains(&format!("iomd-map:\t{}\n", id(&part))));
    assert!(told().contains("iomd-state:\tlive\n"));
    part.unmap().unwrap();
    assert!(told().contains("iomd-state:\tended\n"));
}
