// SPDX-License-Identifier: MIT OR Apache-2.0

//! Wired pages: they have memory, which nobody takes from the map.

use iomd::{Descriptor, Errno, Map, Purgeable};
use iomd_sys as sys;

use crate::support::raw::{call, refused, size};
use crate::support::{PAGE, buffer, client, painted, unique, window};

const P: u64 = PAGE as u64;

/// A map of memory of eight pages, none of which is there.
fn sparse() -> (Descriptor, Map) {
    let memory = client().sparse_buffer(8 * P).unwrap();
    let map = unique(&memory);
    (memory, map)
}

fn wired(map: &Map) -> u64 {
    map.info().unwrap().wired / P
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(outcome: iomd::Result<T>, errno: Errno) {
    assert_eq!(outcome.unwrap_err().errno(), errno);
}

#[test]
fn pages_come_to_be() {
    let (memory, map) = sparse();
    let resident = || memory.info().unwrap().resident / P;
    map.wire(2 * P, 3 * P).unwrap();
    assert_eq!((resident(), wired(&map)), (3, 3));
    let segment = map.physical_segment(3 * P).unwrap();
    assert_ne!(segment.length, 0);
    // The memory stays where it is.
    map.unwire(2 * P, 3 * P).unwrap();
    assert_eq!((resident(), wired(&map)), (3, 0));
    assert_eq!(map.physical_segment(3 * P).unwrap().address, segment.address);
    assert_eq!(map.mmap().unwrap().load_u64(2 * PAGE), 0);

    // Of a part of the memory, its own pages.
    let part = memory.map().offset(6 * P).create().unwrap();
    part.wire(P, 0).unwrap();
    assert_eq!(resident(), 4);
    assert!(map.physical_segment(7 * P).is_ok());
}

#[test]
fn every_page_with_a_byte_of_the_range() {
    let (_memory, map) = sparse();
    for (offset, length, pages) in
        [(0, 1, 1), (P - 1, 2, 2), (P, 1, 1), (8 * P - 1, 1, 1), (3 * P + 7, 0, 5), (0, 0, 8)]
    {
        map.wire(offset, length).unwrap();
        assert_eq!(wired(&map), pages, "{length} from {offset}");
        map.unwire(offset, length).unwrap();
        assert_eq!(wired(&map), 0);
    }
}

#[test]
fn ranges_that_are_not_inside_are_refused() {
    let (memory, map) = sparse();
    for (offset, length, errno) in [
        (8 * P, 0, Errno::RANGE),
        (8 * P, 1, Errno::RANGE),
        (7 * P, P + 1, Errno::RANGE),
        (0, 8 * P + 1, Errno::RANGE),
        (u64::MAX, 0, Errno::RANGE),
        (1, u64::MAX, Errno::OVERFLOW),
        (P, u64::MAX - 1, Errno::OVERFLOW),
    ] {
        assert_refused(map.wire(offset, length), errno);
        assert_refused(map.unwire(offset, length), errno);
    }
    assert_eq!((wired(&map), memory.info().unwrap().resident), (0, 0));
}

#[test]
fn both_directions_and_no_other() {
    let (_memory, map) = sparse();
    let wire = |direction| sys::iomd_map_wire {
        size: size::<sys::iomd_map_wire>(),
        direction,
        ..Default::default()
    };
    let both = sys::IOMD_DIRECTION_IN | sys::IOMD_DIRECTION_OUT;
    for direction in [sys::IOMD_DIRECTION_IN, sys::IOMD_DIRECTION_OUT, both] {
        call(&map, sys::IOMD_MAP_WIRE, &mut wire(direction)).unwrap();
        assert_eq!(wired(&map), 8);
        call(&map, sys::IOMD_MAP_WIRE, &mut wire(0)).unwrap();
        assert_eq!(wired(&map), 0);
    }
    for direction in [4, 5, 0x8000_0000] {
        assert_eq!(refused(&map, sys::IOMD_MAP_WIRE, wire(direction)), Errno::INVAL);
    }
}

#[test]
fn wirings_are_counted_for_each_page() {
    let (_memory, map) = sparse();
    map.wire(0, 4 * P).unwrap();
    map.wire(2 * P, 4 * P).unwrap();
    assert_eq!(wired(&map), 6);
    map.unwire(P, 2 * P).unwrap();
    assert_eq!(wired(&map), 5);
    // The second page is not wired any more, and so nothing is done.
    assert_refused(map.unwire(0, 4 * P), Errno::INVAL);
    assert_eq!(wired(&map), 5);
    map.unwire(0, P).unwrap();
    map.unwire(2 * P, 4 * P).unwrap();
    assert_eq!(wired(&map), 1);
    map.unwire(3 * P, P).unwrap();
    assert_eq!(wired(&map), 0);
    assert_refused(map.unwire(0, P), Errno::INVAL);
}

#[test]
fn the_memory_is_not_taken_away() {
    let memory = painted(2, 0x0100);
    let map = memory.map().create().unwrap();
    map.wire(0, 1).unwrap();
    // It may be volatile, and stays all the same.
    memory.set_purgeable(Purgeable::Volatile).unwrap();
    assert_refused(memory.set_purgeable(Purgeable::Empty), Errno::BUSY);
    assert_eq!(memory.set_purgeable(Purgeable::NonVolatile), Ok(Purgeable::Volatile));
    let other = memory.map().create().unwrap();
    other.wire(0, 0).unwrap();
    map.unwire(0, 1).unwrap();
    assert_refused(memory.set_purgeable(Purgeable::Empty), Errno::BUSY);
    assert_eq!(window(&memory).load_u64(PAGE), 0x0101);
    other.unwire(0, 0).unwrap();
    memory.set_purgeable(Purgeable::Empty).unwrap();
    assert_refused(map.wire(0, 0), Errno::NODATA);
    assert_eq!(wired(&map), 0);
}

#[test]
fn the_map_is_not_redirected() {
    let (old, new) = (painted(1, 0x0100), painted(1, 0x0200));
    let map = unique(&old);
    map.wire(0, 0).unwrap();
    let info = map.info().unwrap();
    assert_refused(map.redirect(&new).run(), Errno::BUSY);
    let client = client();
    assert_refused(client.batch().redirect(&map, &new).run(), Errno::BUSY);
    assert_refused(old.copy_to(&new).resume_on_target(true).run(), Errno::BUSY);
    assert_eq!(window(&new).load_u64(0), 0x0200);
    assert_eq!(map.info().unwrap().descriptor_id, info.descriptor_id);
    // Accesses wait all the same, where they are to.
    map.suspend().unwrap();
    map.resume().unwrap();
    old.copy_to(&new).run().unwrap();

    map.unwire(0, 0).unwrap();
    map.redirect(&new).run().unwrap();
}

#[test]
fn wirings_end_with_the_mapping() {
    let memory = buffer(1);
    let map = memory.map().create().unwrap();
    map.wire(0, 0).unwrap();
    map.unmap().unwrap();
    assert_eq!(wired(&map), 0);
    memory.set_purgeable(Purgeable::Empty).unwrap();
    assert_refused(map.wire(0, 0), Errno::NODEV);
    assert_refused(map.unwire(0, 0), Errno::NODEV);

    memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    for keep in [false, true] {
        let map = memory.map().keep(keep).create().unwrap();
        map.wire(0, 0).unwrap();
        drop(map);
        memory.set_purgeable(Purgeable::Empty).unwrap();
        memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    }
}

#[test]
fn of_a_sealed_map_only_who_sealed_it_wires_pages() {
    let map = unique(&buffer(1));
    let other = map.reopen().unwrap();
    map.seal().unwrap();
    assert_refused(other.wire(0, 0), Errno::PERM);
    map.wire(0, 0).unwrap();
    assert_refused(other.unwire(0, 0), Errno::PERM);
    map.unwire(0, 0).unwrap();
}

#[test]
fn beyond_the_creator_s_limits_nothing_is_wired() {
    use crate::support::Child;
    use crate::support::privileges::become_user;
    use rustix::process::{Resource, Rlimit, setrlimit};

    let client = client();
    let child = Child::fork(|_| {
        let limit = Some(4 * P);
        setrlimit(Resource::Memlock, Rlimit { current: limit, maximum: limit }).unwrap();
        become_user(4711);
        let memory = client.sparse_buffer(8 * P).unwrap();
        let map = unique(&memory);
        assert_refused(map.wire(0, 5 * P), Errno::NOMEM);
        assert_eq!((wired(&map), memory.info().unwrap().resident), (0, 0));
        map.wire(0, 4 * P).unwrap();
    });
    child.succeed();
}
