// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings that go: their objects live on, and say that they are nowhere (`taskDied`).

use iomd::{Errno, Map};

use super::{EXEC, P, Shared, TAG, place};
use crate::support::eventually;

/// The map, a sub-map of its second page, and a record of all of it.
fn objects_of(shared: &Shared) -> [Map; 3] {
    let record = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    [
        shared.map.reopen().unwrap(),
        shared.find_pages(3, 1).unwrap(),
        record.set_mapping(shared.address).unwrap(),
    ]
}

#[track_caller]
fn assert_nowhere(map: &Map, what: &str) {
    eventually(&format!("{what} is nowhere"), || map.info().unwrap().address.is_none());
    let info = map.info().unwrap();
    assert_eq!(info.task, None, "{what}");
    assert!(!info.ended, "{what}: it is the task's doing");
    assert!(info.length > 0, "{what}: it keeps its length");
}

#[test]
fn by_exit() {
    let shared = Shared::new();
    let objects = objects_of(&shared);
    let Shared { memory, target, .. } = shared;
    target.child.kill();
    for (object, what) in objects.iter().zip(["map", "sub-map", "record"]) {
        assert_nowhere(object, what);
    }
    let dead = memory.map_in_task(&target.task).offset(2 * P).length(4 * P);
    assert_eq!(dead.clone().reference(true).create().unwrap_err().errno(), Errno::SRCH);
    assert_eq!(dead.clone().set_mapping(P).unwrap_err().errno(), Errno::SRCH);
    assert_eq!(dead.create().unwrap_err().errno(), Errno::SRCH);
}

#[test]
fn by_exec() {
    let shared = Shared::new();
    let objects = objects_of(&shared);
    shared.target.begin(EXEC, shared.address);
    for (object, what) in objects.iter().zip(["map", "sub-map", "record"]) {
        assert_nowhere(object, what);
    }
    // The process is there, but it is no task of it any more.
    assert_eq!(shared.find_pages(2, 4).unwrap_err(), Errno::SRCH);
    shared.target.child.kill();
}

#[test]
fn by_munmap_of_a_part() {
    let shared = Shared::new();
    let [map, part, record] = objects_of(&shared);
    let other = shared.find_pages(4, 1).unwrap();
    shared.target.unmap(shared.address + P);
    assert_nowhere(&part, "sub-map");
    assert_nowhere(&record, "record");
    // The map has its first page still.
    assert_eq!(place(&map), shared.address);
    assert_eq!(place(&other), shared.address + 2 * P);
    assert_eq!(shared.target.read(place(&other)), TAG + 4);
}

#[test]
fn by_something_else_in_its_place() {
    let shared = Shared::new();
    let [_, part, record] = objects_of(&shared);
    let page = shared.address + P;
    shared.target.unmap(page);
    shared.target.fill(page);
    assert_nowhere(&part, "sub-map");
    assert_nowhere(&record, "record");
    // Neither their unmap nor their end touches it.
    part.unmap().unwrap();
    record.unmap().unwrap();
    drop((part, record));
    assert_eq!(shared.target.read(page), 0);

    // Another part of the same map, or another map, is something else.
    let other = shared.memory.map().offset(4 * P).length(P).create().unwrap();
    let task = &shared.target.task;
    for (page, other) in [(4, other.map_into(task)), (5, shared.map.map_into(task).range(0, P))] {
        let part = shared.find_pages(page, 1).unwrap();
        let address = place(&part);
        shared.target.unmap(address);
        other.at(address).run().unwrap();
        assert_nowhere(&part, "sub-map");
    }
}
