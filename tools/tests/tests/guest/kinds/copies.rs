// SPDX-License-Identifier: MIT OR Apache-2.0

//! Atomic copies of memory of each kind, and to it.

use iomd::{Errno, Mapping};

use super::{KINDS, PAGES, bytes_of};
use crate::support::{PAGE, assert_painted, client, paint, painted, unique, window};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Asserts that each page begins with `tag` plus its number.
#[track_caller]
fn shows(mapping: &Mapping, tag: u64, what: &str) {
    for page in 0..PAGES {
        assert_eq!(mapping.load_u64(page * PAGE), tag + page as u64, "{what}, page {page}");
    }
}

#[test]
fn from_every_kind_to_every_kind() {
    let [sources, targets] = [OLD, NEW].map(|tag| KINDS.each_ref().map(|kind| (kind.painted)(tag)));
    for (from, source) in KINDS.iter().zip(&sources) {
        for (to, target) in KINDS.iter().zip(&targets) {
            paint(&source.memory, OLD);
            paint(&target.memory, NEW);
            source.memory.copy_to(&target.memory).run().unwrap();
            let what = format!("{} to {}", from.name, to.name);
            shows(&window(&target.memory), OLD, &what);
            shows(&window(&source.memory), OLD, &what);
            paint(&source.memory, NEW);
            shows(&window(&target.memory), OLD, &format!("{what}, on its own"));
        }
    }
}

#[test]
fn at_offsets() {
    for kind in &KINDS {
        let (sample, other) = ((kind.painted)(OLD), painted(PAGES, NEW));
        let copy = sample.memory.copy_to(&other).range(bytes_of(3), bytes_of(4));
        copy.target_offset(bytes_of(1)).run().unwrap();
        let copy = other.copy_to(&sample.memory).range(bytes_of(2), bytes_of(2));
        copy.target_offset(bytes_of(6)).run().unwrap();
        let words =
            |mapping: &Mapping| [0, 1, 4, 5, 6, 7].map(|page| mapping.load_u64(page * PAGE));
        let expected = [NEW, OLD + 3, OLD + 6, NEW + 5, NEW + 6, NEW + 7];
        assert_eq!(words(&window(&other)), expected, "{}", kind.name);
        let expected = [OLD, OLD + 1, OLD + 4, OLD + 5, OLD + 4, OLD + 5];
        assert_eq!(words(&window(&sample.memory)), expected, "{}", kind.name);
    }
}

#[test]
fn whoever_writes_the_memory_is_suspended_at_whatever_level() {
    for kind in &KINDS {
        let (sample, target) = ((kind.painted)(OLD), painted(PAGES, NEW));
        // One of it, one of a part of it, one of each below, and one that has nothing to do with it.
        let mut maps = vec![unique(&sample.memory)];
        maps.extend(sample.below.iter().map(unique));
        let part = sample.memory.sub(bytes_of(1), 1, iomd::Access::ReadWrite).unwrap();
        maps.push(unique(&part));
        let apart = unique(&target);
        let generations =
            || maps.iter().map(|map| map.info().unwrap().generation).collect::<Vec<_>>();
        let before = generations();
        let copied = sample.memory.copy_to(&target).run().unwrap();
        assert_eq!(copied.maps, maps.len() as u64, "{}", kind.name);
        assert_eq!(generations(), before, "{}: they go on where they were", kind.name);
        assert!(!apart.info().unwrap().suspended);
    }
}

#[test]
fn maps_go_on_on_the_copy() {
    let [sources, targets] = [OLD, NEW].map(|tag| KINDS.each_ref().map(|kind| (kind.painted)(tag)));
    for (from, source) in KINDS.iter().zip(&sources) {
        for (to, target) in KINDS.iter().zip(&targets) {
            paint(&source.memory, OLD);
            paint(&target.memory, NEW);
            let map = unique(&source.memory);
            let mapping = map.mmap().unwrap();
            shows(&mapping, OLD, from.name);
            source.memory.copy_to(&target.memory).resume_on_target(true).run().unwrap();
            let what = format!("{} to {}", from.name, to.name);
            assert_eq!(map.info().unwrap().descriptor_id, target.memory.id().unwrap(), "{what}");
            paint(&source.memory, NEW);
            shows(&mapping, OLD, &what);
        }
    }
}

#[test]
fn a_map_of_something_above_goes_on_if_it_shows_the_memory_alone() {
    let (memory, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let sub = memory.sub(bytes_of(2), bytes_of(3), iomd::Access::ReadWrite).unwrap();
    let map = unique(&sub);
    let mapping = map.mmap().unwrap();
    memory.copy_to(&target).resume_on_target(true).run().unwrap();
    let info = map.info().unwrap();
    assert_eq!((info.descriptor_id, info.offset), (target.id().unwrap(), bytes_of(2)));
    assert_eq!(mapping.load_u64(0), OLD + 2);

    let (memory, other) = (painted(PAGES, OLD), painted(1, OLD));
    let map = unique(&client().multi(&[&memory, &other]).unwrap());
    let refused = memory.copy_to(&target).resume_on_target(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::RANGE);
    assert_eq!(map.info().unwrap().redirects, 0);
    // One of the parent does not show the part alone.
    let part = memory.sub(0, bytes_of(1), iomd::Access::ReadWrite).unwrap();
    let refused = part.copy_to(&target).resume_on_target(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::RANGE);
}

#[test]
fn memory_that_overlaps_is_refused() {
    let memory = painted(PAGES, OLD);
    let sub = |first, pages| {
        memory.sub(bytes_of(first), bytes_of(pages), iomd::Access::ReadWrite).unwrap()
    };
    let (low, high, middle) = (sub(0, 4), sub(4, 4), sub(2, 4));
    low.copy_to(&high).run().unwrap();
    for target in [&low, &high] {
        let refused = middle.copy_to(target).range(0, bytes_of(4)).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::INVAL);
    }
    let twice = client().multi(&[&low, &low]).unwrap();
    let source = painted(PAGES, NEW);
    assert_eq!(source.copy_to(&twice).run().unwrap_err().errno(), Errno::INVAL);
    twice.copy_to(&source).run().unwrap();
    let window = window(&source);
    assert_eq!(window.load_u64(0), window.load_u64(4 * PAGE));
    assert_painted(&low, OLD);
}

#[test]
fn holes_stay_holes() {
    let sparse = |pages: usize| client().sparse_buffer(bytes_of(pages)).unwrap();
    let source = sparse(PAGES);
    window(&source).store_u64(5 * PAGE, 1);
    let parts = [sparse(PAGES / 2), sparse(PAGES / 2)];
    let target = client().interleaved(&parts.each_ref(), bytes_of(1)).unwrap();
    source.copy_to(&target).run().unwrap();
    let resident = parts.each_ref().map(|part| part.info().unwrap().resident);
    assert_eq!(resident, [0, bytes_of(1)]);
    assert_eq!(target.info().unwrap().resident, bytes_of(1));
}
