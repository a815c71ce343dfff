// SPDX-License-Identifier: MIT OR Apache-2.0

//! setMapping: records of mappings that are there, whoever made them.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{Descriptor, Errno, Map, MapOptions};
use iomd_sys as sys;

use super::sub_maps::assert_maps_nothing;
use super::{P, Shared, TAG, Target, id, place};
use crate::support::raw::{refused, size};
use crate::support::{Region, painted};

/// Memory of four pages, and a task into which a map of it was mapped that no look-up finds there:
/// this process mapped it first.
struct Hidden {
    memory: Descriptor,
    target: Target,
    map: Map,
    _mapping: iomd::Mapping,
    address: u64,
}

fn hidden(unique: bool) -> Hidden {
    // First, so that it inherits no handle.
    let target = Target::new();
    let memory = painted(4, TAG);
    let map = memory.map().unique(unique).create().unwrap();
    let mapping = map.mmap().unwrap();
    let address = map.map_into(&target.task).run().unwrap();
    Hidden { memory, target, map, _mapping: mapping, address }
}

impl Hidden {
    fn record(&self) -> Map {
        self.memory.map_in_task(&self.target.task).set_mapping(self.address).unwrap()
    }

    fn find(&self, first: u64, pages: u64) -> Result<Map, Errno> {
        let builder = self.memory.map_in_task(&self.target.task).offset(first * P);
        let builder = builder.length(pages * P).reference(true);
        builder.create().map_err(|error| error.errno())
    }
}

#[test]
fn it_tells_about_itself_and_maps_nothing() {
    let shared = Shared::new();
    let builder = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    let record = builder.set_mapping(shared.address).unwrap();
    let info = record.info().unwrap();
    assert_ne!(info.id, id(&shared.map));
    assert_eq!(info.descriptor_id, shared.memory.id().unwrap());
    assert_eq!((info.offset, info.length), (2 * P, 4 * P));
    assert_eq!(info.task, Some(shared.target.pid()));
    assert_eq!(info.address, Some(shared.address));
    assert_eq!(info.options, MapOptions::STATIC);
    assert_eq!((info.part_of, info.sub_map), (Some(id(&shared.map)), false));
    assert_maps_nothing(&shared, &record);
}

#[test]
fn its_end_leaves_the_mapping() {
    let hidden = hidden(false);
    let (first, second) = (hidden.record(), hidden.record());
    assert_ne!(id(&first), id(&second));
    first.unmap().unwrap();
    let info = first.info().unwrap();
    assert!(info.ended);
    assert_eq!((info.task, info.address), (None, None));
    assert_eq!(place(&second), hidden.address);
    drop((first, second));
    assert_eq!(hidden.target.read(hidden.address), TAG);
    assert!(!hidden.map.info().unwrap().ended);
}

#[test]
fn it_says_where_it_was_recorded_and_no_other_place() {
    let shared = Shared::new();
    let builder = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    let record = builder.set_mapping(shared.address).unwrap();
    shared.target.move_pages(shared.address, 4);
    assert_eq!(record.info().unwrap().address, None);
}

#[test]
fn it_keeps_nothing() {
    let hidden = hidden(false);
    let record = hidden.record();
    drop(hidden.map);
    let info = record.info().unwrap();
    assert!(info.ended, "with the last handle of the map");
    assert_eq!(info.address, None);
}

#[test]
fn look_ups_find_it() {
    let hidden = hidden(false);
    assert_eq!(hidden.find(0, 4).unwrap_err(), Errno::NOENT);
    let record = hidden.record();
    assert_eq!(id(&hidden.find(0, 4).unwrap()), id(&record));

    let part = hidden.find(1, 2).unwrap();
    assert_eq!(place(&part), hidden.address + P);
    assert!(part.info().unwrap().options.contains(MapOptions::STATIC));
    // It stands for itself.
    drop(record);
    assert_eq!(place(&part), hidden.address + P);
    assert_eq!(hidden.find(0, 4).unwrap_err(), Errno::NOENT);
    // And it is no more than a record.
    drop(hidden.map);
    assert!(part.info().unwrap().ended);
}

#[test]
fn a_record_that_has_ended_is_not_found() {
    let hidden = hidden(false);
    let record = hidden.record();
    record.unmap().unwrap();
    assert_eq!(hidden.find(0, 4).unwrap_err(), Errno::NOENT);
}

#[test]
fn unique_is_never_shared() {
    let hidden_unique = hidden(true);
    let record = hidden_unique.record();
    assert_eq!(place(&record), hidden_unique.address);
    assert_eq!(hidden_unique.find(0, 4).unwrap_err(), Errno::NOENT);
    // It is of this memory, and not of what is there later.
    hidden_unique.map.redirect(&painted(4, 2 * TAG)).run().unwrap();
    assert_eq!(record.info().unwrap().address, None);
    assert_eq!(record.info().unwrap().descriptor_id, hidden_unique.memory.id().unwrap());
    hidden_unique.map.redirect(&hidden_unique.memory).run().unwrap();
    assert_eq!(place(&record), hidden_unique.address);

    let hidden = hidden(false);
    let builder = hidden.memory.map_in_task(&hidden.target.task).unique(true);
    let record = builder.set_mapping(hidden.address).unwrap();
    let options = MapOptions::STATIC | MapOptions::UNIQUE;
    assert_eq!(record.info().unwrap().options, options);
    assert_eq!(hidden.find(0, 4).unwrap_err(), Errno::NOENT);
}

#[test]
fn a_part_and_a_second_place() {
    let hidden = hidden(false);
    let second = hidden.map.map_into(&hidden.target.task).range(P, 2 * P).run().unwrap();
    let builder = hidden.memory.map_in_task(&hidden.target.task);
    let record = builder.clone().offset(P).length(2 * P).set_mapping(second).unwrap();
    assert_eq!(place(&record), second);
    let record = builder.clone().offset(2 * P).length(P).set_mapping(second + P).unwrap();
    assert_eq!(place(&record), second + P);
    // All of the memory is not there, nor is what is there another part of it.
    for (offset, length) in [(0, 0), (0, 2 * P), (2 * P, P), (P, 3 * P)] {
        let refused = builder.clone().offset(offset).length(length).set_mapping(second);
        assert_eq!(refused.unwrap_err().errno(), Errno::NOENT, "{length} from {offset}");
    }
}

#[test]
fn what_is_not_the_descriptor_s_is_refused() {
    let hidden = hidden(false);
    let refused = |memory: &Descriptor, address| {
        let builder = memory.map_in_task(&hidden.target.task);
        builder.set_mapping(address).unwrap_err().errno()
    };
    // Another descriptor's, and one that is not there.
    assert_eq!(refused(&painted(4, TAG), hidden.address), Errno::NOENT);
    for address in [hidden.address + P, hidden.address - P, 0, P, u64::MAX & !(P - 1)] {
        assert_eq!(refused(&hidden.memory, address), Errno::NOENT, "{address:#x}");
    }
    assert_eq!(refused(&hidden.memory, hidden.address + 1), Errno::INVAL);

    // Anonymous memory, alone or at the end of ours.
    let anonymous = Region::reserve(4);
    let child = Target::new();
    let builder = hidden.memory.map_in_task(&child.task);
    let place = anonymous.address() as u64;
    assert_eq!(builder.clone().set_mapping(place).unwrap_err().errno(), Errno::NOENT);
    hidden.target.unmap(hidden.address + 3 * P);
    hidden.target.fill(hidden.address + 3 * P);
    assert_eq!(refused(&hidden.memory, hidden.address), Errno::NOENT);
    let rest = hidden.memory.map_in_task(&hidden.target.task).length(3 * P);
    assert_eq!(rest.set_mapping(hidden.address).map(drop), Ok(()));
    anonymous.unmap().unwrap();
}

#[test]
fn two_mappings_side_by_side_are_not_one() {
    let hidden = hidden(false);
    let task = &hidden.target.task;
    for page in [2, 3] {
        hidden.target.unmap(hidden.address + page * P);
    }
    hidden.map.map_into(task).range(2 * P, 2 * P).at(hidden.address + 2 * P).run().unwrap();
    assert_eq!(hidden.target.read(hidden.address + 3 * P), TAG + 3);
    let builder = hidden.memory.map_in_task(task);
    assert_eq!(builder.set_mapping(hidden.address).unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn an_ended_mapping_is_refused() {
    let hidden = hidden(false);
    hidden.map.unmap().unwrap();
    let builder = hidden.memory.map_in_task(&hidden.target.task);
    assert_eq!(builder.set_mapping(hidden.address).unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn rights_are_those_of_the_mapping() {
    let hidden = hidden(false);
    let builder = hidden.memory.map_in_task(&hidden.target.task);
    let read_only = builder.clone().read_only(true);
    assert_eq!(read_only.clone().set_mapping(hidden.address).unwrap_err().errno(), Errno::ACCESS);
    let view = hidden.map.map_into(&hidden.target.task).read_only(true).run().unwrap();
    assert_eq!(builder.set_mapping(view).unwrap_err().errno(), Errno::ACCESS);
    assert_eq!(place(&read_only.set_mapping(view).unwrap()), view);

    // Who may only read the memory records and finds what is read-only.
    let reader = hidden.memory.read_only().unwrap();
    let builder = reader.map_in_task(&hidden.target.task);
    assert_eq!(builder.clone().set_mapping(view).unwrap_err().errno(), Errno::ACCESS);
    let writable = builder.clone().reference(true).create();
    assert_eq!(writable.unwrap_err().errno(), Errno::ACCESS);
    let record = builder.clone().read_only(true).set_mapping(view).unwrap();
    let found = builder.read_only(true).reference(true).create().unwrap();
    assert_eq!(id(&found), id(&record));
}

#[test]
fn what_is_wrong_is_refused() {
    let shared = Shared::new();
    let task = shared.target.task.as_fd().as_raw_fd();
    let right = sys::iomd_map_existing {
        size: size::<sys::iomd_map_existing>(),
        options: sys::IOMD_MAP_ANYWHERE,
        task,
        offset: 2 * P,
        length: 4 * P,
        ..Default::default()
    };
    let errno = |argument| refused(&shared.memory, sys::IOMD_MAP_EXISTING, argument);
    let options = |options| sys::iomd_map_existing { options, ..right };
    let placed = |address| sys::iomd_map_existing { options: 0, address, ..right };
    let range = |offset, length| sys::iomd_map_existing { offset, length, ..right };
    let task = |task| sys::iomd_map_existing { task, ..right };
    for (argument, expected) in [
        (options(sys::IOMD_MAP_STATIC | sys::IOMD_MAP_ANYWHERE), Errno::INVAL),
        (options(0x2), Errno::INVAL),
        (options(sys::IOMD_MAP_CACHE_MASK), Errno::INVAL),
        (options(sys::IOMD_MAP_GUARDED_SMALL), Errno::INVAL),
        (options(sys::IOMD_MAP_GUARDED_SMALL | sys::IOMD_MAP_STATIC), Errno::INVAL),
        (options(sys::IOMD_MAP_WRITE_THRU_CACHE), Errno::OPNOTSUPP),
        (placed(shared.address + 1), Errno::INVAL),
        (range(8 * P - 1, 2), Errno::RANGE),
        (range(8 * P, 0), Errno::RANGE),
        (range(7 * P, P + 1), Errno::RANGE),
        (range(P, u64::MAX - P + 1), Errno::OVERFLOW),
        (task(-1), Errno::BADF),
        (task(shared.memory.as_fd().as_raw_fd()), Errno::INVAL),
        (task(shared.map.as_fd().as_raw_fd()), Errno::INVAL),
    ] {
        assert_eq!(errno(argument), expected, "{argument:?}");
    }
}
