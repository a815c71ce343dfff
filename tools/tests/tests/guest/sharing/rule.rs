// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which mapping serves a request: each clause of the rule, hit and missed.

use std::time::Duration;

use iomd::{CacheMode, Deadline, Errno, Guards, Inheritance, MapOptions};
use rustix::process::Signal;

use super::{P, Shared, TAG, Target, id, place};
use crate::support::{client, objects, painted, proc};

#[test]
fn a_second_request_shares_the_first_one_s_map() {
    let shared = Shared::new();
    let before = objects();
    let builder = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    let again = builder.create().unwrap();
    assert_eq!(id(&again), id(&shared.map));
    assert_eq!(place(&again), shared.address);
    assert_eq!(objects(), before);

    // It is another handle: the mapping ends with the last.
    drop(shared.map);
    assert_eq!(shared.target.read(shared.address), TAG + 2);
    assert!(!again.info().unwrap().ended);
}

#[test]
fn a_request_that_nothing_serves_makes_a_map() {
    let shared = Shared::new();
    let builder = shared.memory.map_in_task(&shared.target.task);
    let whole = builder.create().unwrap();
    assert_ne!(id(&whole), id(&shared.map));
    assert_eq!(shared.target.read(place(&whole)), TAG);
}

#[test]
fn a_reference_that_nothing_serves_is_refused_and_makes_nothing() {
    let shared = Shared::new();
    let mapped = || proc::mappings(shared.target.child.pid()).len();
    let before = (objects(), mapped());
    assert_eq!(shared.find_pages(0, 8).unwrap_err(), Errno::NOENT);
    assert_eq!((objects(), mapped()), before);
}

#[test]
fn the_task() {
    let shared = Shared::new();
    let other = Target::new();
    let found = shared.memory.map_in_task(&other.task).offset(2 * P).length(4 * P);
    assert_eq!(found.clone().reference(true).create().unwrap_err().errno(), Errno::NOENT);
    shared.assert_found(|builder| builder);

    // There it is another map, which the first task's requests do not find.
    let theirs = found.create().unwrap();
    assert_ne!(id(&theirs), id(&shared.map));
    shared.assert_found(|builder| builder);
}

#[test]
fn the_task_that_mapped_it_first() {
    let shared = Shared::new();
    let other = Target::new();
    shared.map.map_into(&other.task).run().unwrap();
    let found = shared.memory.map_in_task(&other.task).offset(2 * P).length(4 * P);
    assert_eq!(found.reference(true).create().unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn the_descriptor() {
    let shared = Shared::new();
    let other = painted(8, 2 * TAG);
    let found = other.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    assert_eq!(found.reference(true).create().unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn the_read_only_bit() {
    for read_only in [false, true] {
        let shared = Shared::with(|builder| builder.read_only(read_only));
        shared.assert_found(|builder| builder.read_only(read_only));
        shared.assert_missed(|builder| builder.read_only(!read_only));
        // A part too.
        let part = |read_only| {
            shared.find(|builder| builder.length(P).read_only(read_only)).map(|map| place(&map))
        };
        assert_eq!(part(read_only), Ok(shared.address));
        assert_eq!(part(!read_only), Err(Errno::NOENT));
    }
}

#[test]
fn the_cache_mode() {
    for (existing, wanted, found) in [
        (CacheMode::Default, CacheMode::Default, true),
        (CacheMode::Default, CacheMode::Copyback, false),
        (CacheMode::Copyback, CacheMode::Default, true),
        (CacheMode::Copyback, CacheMode::Copyback, true),
    ] {
        let shared = Shared::with(|builder| builder.cache_mode(existing));
        let outcome = shared.find(|builder| builder.cache_mode(wanted));
        assert_eq!(outcome.is_ok(), found, "{wanted} where there is {existing}");
    }
}

#[test]
fn the_guards() {
    let kinds = [Guards::None, Guards::Small, Guards::Large];
    for existing in kinds {
        let shared = Shared::with(|builder| builder.guards(existing));
        for wanted in kinds {
            if wanted == existing {
                shared.assert_found(|builder| builder.guards(wanted));
            } else {
                shared.assert_missed(|builder| builder.guards(wanted));
            }
            let part = shared.find(|builder| builder.guards(wanted).length(P));
            assert_eq!(part.is_ok(), wanted == existing, "{wanted:?} where there are {existing:?}");
        }
    }
}

#[test]
fn options_that_only_say_how_to_map() {
    let shared = Shared::with(|builder| builder.prefault(true));
    shared.assert_found(|builder| builder);
    let shared = Shared::new();
    shared.assert_found(|builder| builder.prefault(true));
    // What is there already is what would be put there.
    // SAFETY: it is another process.
    shared.assert_found(|builder| unsafe { builder.over(shared.address) });
}

#[test]
fn the_place() {
    let shared = Shared::new();
    let at = shared.address;
    shared.assert_found(|builder| builder.at(at));
    shared.assert_missed(|builder| builder.at(at + P));
    shared.assert_missed(|builder| builder.at(at - P));

    // A part is where it was asked for, or is not found.
    let part = |place| shared.find(|builder| builder.offset(3 * P).length(P).at(place));
    assert_eq!(place(&part(at + P).unwrap()), at + P);
    assert_eq!(part(at).unwrap_err(), Errno::NOENT);

    // What nothing serves is not put in the place of what is there.
    let occupied = shared.memory.map_in_task(&shared.target.task).offset(3 * P).length(P).at(at);
    assert_eq!(occupied.create().unwrap_err().errno(), Errno::EXIST);
    assert_eq!(shared.target.read(at), TAG + 2);
}

#[test]
fn the_range() {
    let shared = Shared::new();
    for first in 0..8 {
        for pages in 1..=8 - first {
            let found = shared.find_pages(first, pages);
            let inside = first >= 2 && first + pages <= 6;
            let what = format!("{pages} pages from page {first} on");
            match found {
                Ok(map) => {
                    assert!(inside, "{what}");
                    assert_eq!(id(&map) == id(&shared.map), (first, pages) == (2, 4), "{what}");
                    assert_eq!(place(&map), shared.address + (first - 2) * P, "{what}");
                    assert_eq!(shared.target.read(place(&map)), TAG + first, "{what}");
                }
                Err(errno) => {
                    assert_eq!(errno, Errno::NOENT, "{what}");
                    assert!(!inside, "{what}");
                }
            }
        }
    }
}

#[test]
fn lengths_are_bytes() {
    let shared = Shared::with(|builder| builder.length(P + 1));
    shared.assert_found(|builder| builder.length(P + 1));
    shared.assert_missed(|builder| builder.length(P + 2));
    let part = shared.find(|builder| builder.length(P)).unwrap();
    assert_ne!(id(&part), id(&shared.map));
    assert_eq!(part.info().unwrap().length, P);
}

#[test]
fn an_ended_map() {
    let shared = Shared::new();
    shared.map.unmap().unwrap();
    shared.assert_missed(|builder| builder);
    // A new one is made then.
    let builder = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    let new = builder.create().unwrap();
    assert_ne!(id(&new), id(&shared.map));
    assert_eq!(shared.target.read(place(&new)), TAG + 2);
}

#[test]
fn a_map_whose_pages_the_task_has_unmapped() {
    let shared = Shared::new();
    shared.target.unmap(shared.address + 2 * P);
    assert_eq!(shared.find_pages(2, 4).unwrap_err(), Errno::NOENT);
    assert_eq!(shared.find_pages(4, 1).unwrap_err(), Errno::NOENT);
    assert_eq!(place(&shared.find_pages(2, 2).unwrap()), shared.address);
    assert_eq!(place(&shared.find_pages(5, 1).unwrap()), shared.address + 3 * P);

    // What is there since is not taken for it.
    shared.target.fill(shared.address + 2 * P);
    assert_eq!(shared.find_pages(4, 1).unwrap_err(), Errno::NOENT);

    // With its first page the map has lost its address.
    shared.target.unmap(shared.address);
    assert_eq!(shared.map.info().unwrap().address, None);
    assert_eq!(shared.find_pages(5, 1).unwrap_err(), Errno::NOENT);
}

#[test]
fn a_map_that_the_task_cannot_write() {
    let shared = Shared::new();
    shared.target.protect(shared.address + P);
    shared.assert_missed(|builder| builder);
    assert_eq!(shared.find_pages(3, 1).unwrap_err(), Errno::NOENT);
    // Where it can it is one mapping still, though the kernel has split it.
    assert_eq!(place(&shared.find_pages(4, 2).unwrap()), shared.address + 2 * P);
}

#[test]
fn a_mapping_that_is_split_is_one() {
    // Read-only on top of read-only: split, and joined by none.
    let shared = Shared::with(|builder| builder.read_only(true));
    shared.target.protect(shared.address + P);
    shared.assert_found(|builder| builder.read_only(true));
}

#[test]
fn unique_is_never_shared() {
    let shared = Shared::new();
    shared.assert_missed(|builder| builder.unique(true));
    let builder = shared.memory.map_in_task(&shared.target.task).offset(2 * P).length(4 * P);
    let unique = builder.unique(true).create().unwrap();
    assert_ne!(id(&unique), id(&shared.map));

    let shared = Shared::with(|builder| builder.unique(true));
    shared.assert_missed(|builder| builder);
    shared.assert_missed(|builder| builder.length(P));
    shared.assert_missed(|builder| builder.unique(true));
}

#[test]
fn a_map_that_needs_no_handle() {
    let shared = Shared::with(|builder| builder.keep(true));
    let number = id(&shared.map);
    let Shared { memory, target, map, .. } = shared;
    drop(map);
    let found = memory.map_in_task(&target.task).offset(2 * P).length(4 * P).reference(true);
    assert_eq!(id(&found.create().unwrap()), number);
}

#[test]
fn a_map_made_with_mmap_is_found_too() {
    let memory = painted(2, TAG);
    let map = memory.map().create().unwrap();
    let mapping = map.mmap().unwrap();
    let task = client().own_task().unwrap();
    let found = memory.map_in_task(&task).reference(true);
    assert_eq!(id(&found.clone().create().unwrap()), id(&map));
    assert_eq!(place(&map), mapping.as_ptr().addr() as u64);
    drop(mapping);
    assert_eq!(found.create().unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn what_is_made_is_as_it_was_asked_for() {
    let shared = Shared::new();
    let request = || shared.memory.map_in_task(&shared.target.task).unique(true);
    let place_of_last = shared.address + 3 * P;
    // SAFETY: it is another process.
    let over = unsafe { request().offset(7 * P).over(place_of_last) };
    let over = over.prefault(true).inheritance(Inheritance::Share).create().unwrap();
    let info = over.info().unwrap();
    assert_eq!((info.address, info.inheritance), (Some(place_of_last), Inheritance::Share));
    let options = MapOptions::UNIQUE | MapOptions::PREFAULT | MapOptions::OVERWRITE;
    assert_eq!(info.options, options);
    assert_eq!(shared.target.read(place_of_last), TAG + 7);
    assert_eq!(over.info().unwrap().faults, info.faults, "the page was there");

    let kept = request().offset(6 * P).length(P).keep(true).create().unwrap();
    let address = place(&kept);
    drop(kept);
    assert_eq!(shared.target.read(address), TAG + 6);

    // One that cannot come by is asked in vain, but for what it has.
    shared.target.child.signal(Signal::STOP);
    shared.target.child.await_state('T');
    let late = request().deadline(Deadline::after(Duration::from_millis(20))).create();
    assert_eq!(late.unwrap_err().errno(), Errno::TIMEDOUT);
    assert_eq!(place(&shared.find_pages(4, 1).unwrap()), shared.address + 2 * P);
    shared.target.child.signal(Signal::CONT);
}
