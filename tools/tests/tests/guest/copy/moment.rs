// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy is of one moment, whichever map the memory is written through; and the maps can go on on
//! the copy without a write lost.

use std::time::{Duration, Instant};

use iomd::{Errno, Map, MmapOptions};

use super::writers::{Copy, PAGES, Writers, is_poison, poison};
use super::{NEW, OLD};
use crate::support::{
    PAGE, User, assert_painted, buffer, eventually, painted, scaled, unique, unique_shared, window,
};

/// How often memory in use is copied, or moved.
const COPIES: u64 = 300;
const MOVES: u64 = 200;

#[test]
fn copies_are_never_torn_where_plain_ones_are() {
    let (source, target) = (buffer(PAGES), buffer(PAGES));
    // A map need not be unique to be copied under.
    let maps = [unique(&source), source.map().create().unwrap()];
    let (live, copy) = (window(&source), window(&target));
    let writers = Writers::of(&maps);
    for time in 0..scaled(COPIES) {
        writers.go_on(&live);
        let start = Instant::now();
        let copied = source.copy_to(&target).run().unwrap();
        assert!(copied.pause > Duration::ZERO && copied.pause <= start.elapsed());
        assert_eq!(copied.maps, 3, "both writers' maps, and the window");
        let copy = Copy::in_window(&copy);
        assert!(!copy.is_torn(), "copy {time} is torn: {copy:?}");
    }
    writers.go_on(&live);
    // Or the others prove nothing.
    eventually("a plain copy is torn", || Copy::plain(&live).is_torn());
    writers.dismiss();
}

#[test]
fn memory_in_use_is_moved_without_a_write_lost_or_late() {
    let memories = [buffer(PAGES), buffer(PAGES)];
    let maps = [unique(&memories[0]), unique(&memories[0])];
    let writers = Writers::of(&maps);
    for time in 0..scaled(MOVES) as usize {
        let (old, new) = (&memories[time % 2], &memories[(time + 1) % 2]);
        let copied = old.copy_to(new).resume_on_target(true).run().unwrap();
        assert_eq!(copied.maps, 2);
        for map in &maps {
            assert_eq!(map.info().unwrap().descriptor_id, new.id().unwrap());
        }
        // Made now: a window is a map that could not go along.
        let (left, live) = (window(old), window(new));
        poison(&left);
        writers.go_on(&live);
        assert!(is_poison(&left), "move {time}: the old memory is written");
    }
    writers.dismiss();
}

/// What each map shows, as its first word tells.
fn shown<const N: usize>(maps: [&Map; N]) -> [u64; N] {
    let read_only = MmapOptions { read_only: true, ..MmapOptions::default() };
    maps.map(|map| map.mmap_with(read_only).unwrap().load_u64(0))
}

#[test]
fn exactly_the_maps_in_the_range_move() {
    let (source, target) = (painted(8, OLD), painted(8, NEW));
    let part = |first: u64, pages: u64| {
        source.map().unique(true).offset(first * PAGE as u64).length(pages * PAGE as u64)
    };
    let first = part(2, 1).create().unwrap();
    let last = part(5, 1).create().unwrap();
    let all = part(2, 4).create().unwrap();
    let read_only = part(3, 2).read_only(true).create().unwrap();
    let ended = part(0, 8).create().unwrap();
    ended.unmap().unwrap();
    // Not in the range, and one cannot even be redirected.
    let before = part(0, 2).unique(false).create().unwrap();
    let after = part(6, 2).create().unwrap();
    let maps = [&first, &last, &all, &read_only, &before, &after];
    assert_eq!(shown(maps), [2, 5, 2, 3, 0, 6].map(|page| OLD + page));

    let range = (2 * PAGE as u64, 4 * PAGE as u64);
    let copy = source.copy_to(&target).range(range.0, range.1).target_offset(PAGE as u64);
    assert_eq!(copy.resume_on_target(true).run().unwrap().maps, 4);
    let page = |map: &Map| {
        let info = map.info().unwrap();
        let memory = if info.descriptor_id == target.id().unwrap() { NEW } else { OLD };
        memory + info.offset / PAGE as u64
    };
    assert_eq!(maps.map(page), [NEW + 1, NEW + 4, NEW + 1, NEW + 2, OLD, OLD + 6]);
    // The same words, in other memory.
    assert_eq!(shown(maps), [2, 5, 2, 3, 0, 6].map(|page| OLD + page));
    assert_eq!(source.info().unwrap().maps, 3);
    assert_eq!(target.info().unwrap().maps, 4);

    let memory = first.mmap().unwrap();
    memory.store_u64(8, 7);
    assert_eq!(window(&target).load_u64(PAGE + 8), 7);
    assert_eq!(window(&source).load_u64(2 * PAGE + 8), 0);
    assert_painted(&source, OLD);
}

#[test]
fn every_alias_moves_with_its_map() {
    let (source, target) = (painted(2, OLD), buffer(2));
    let map = unique_shared(&source);
    let memory = map.mmap().unwrap();
    let users = [User::with(|| (&memory).into()), User::of(&map)];
    for user in &users {
        assert_eq!(user.read(PAGE), OLD + 1);
    }
    source.copy_to(&target).resume_on_target(true).run().unwrap();
    let window = window(&target);
    for (user, value) in users.iter().zip(7..) {
        user.write(PAGE + 8, value);
        assert_eq!(window.load_u64(PAGE + 8), value);
        assert_eq!(memory.load_u64(PAGE + 8), value);
    }
    assert_painted(&source, OLD);
}

#[test]
fn a_move_counts_as_a_redirect_and_a_copy_does_not() {
    let (source, target) = (painted(1, OLD), buffer(1));
    let map = unique(&source);
    let before = map.info().unwrap();
    source.copy_to(&target).run().unwrap();
    assert_eq!(map.info().unwrap(), before);
    source.copy_to(&target).resume_on_target(true).run().unwrap();
    let after = map.info().unwrap();
    assert_eq!(after.redirects, before.redirects + 1);
    assert_eq!(after.generation, before.generation + 1);
}

#[test]
fn memory_without_maps_is_copied_too() {
    let (source, target) = (painted(3, OLD), buffer(3));
    for resume_on_target in [false, true] {
        let copied = source.copy_to(&target).resume_on_target(resume_on_target).run().unwrap();
        assert_eq!((copied.maps, copied.pinned), (0, 0));
        assert_painted(&target, OLD);
    }
    let closed = source.map().create().unwrap();
    drop(closed);
    let copied = source.copy_to(&target).resume_on_target(true).run();
    assert_eq!(copied.map(|copied| copied.maps).map_err(|error| error.errno()), Ok::<_, Errno>(0));
}
