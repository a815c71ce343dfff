// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings of pieces that are cut, moved, protected and inherited.

use rustix::mm::{Advice, MprotectFlags, MremapFlags};
use rustix::process::Signal;

use super::{NEW, OLD, PIECE, assert_faults, assert_shows, large, mapped};
use crate::support::{Child, End, PAGE, Region, assert_painted, painted, unique, unique_shared};

const BOTH: MprotectFlags = MprotectFlags::READ.union(MprotectFlags::WRITE);

#[test]
fn a_part_is_protected() {
    let memory = large(PIECE, OLD);
    let map = unique_shared(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    region.pages(100..200).protect(MprotectFlags::READ).unwrap();
    assert_shows(region, OLD);
    let child = Child::fork(|_| region.write(150 * PAGE, 1));
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
    region.write(99 * PAGE, OLD + 99);
    region.write(200 * PAGE, OLD + 200);
    region.pages(100..200).protect(BOTH).unwrap();
    region.write(150 * PAGE, NEW + 150);
    region.write(150 * PAGE, OLD + 150);
    assert_painted(&memory, OLD);
    map.redirect(&large(PIECE, NEW)).run().unwrap();
    assert_shows(region, NEW);
}

#[test]
fn all_of_it_is_protected_and_released() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    region.protect(MprotectFlags::READ).unwrap();
    region.protect(BOTH).unwrap();
    region.write(0, NEW);
    region.write(0, OLD);
    assert_faults(&map, region, OLD, 0);
    region.protect(MprotectFlags::empty()).unwrap();
    map.redirect(&large(PIECE, NEW)).run().unwrap();
    region.protect(BOTH).unwrap();
    assert_shows(region, NEW);
    assert_painted(&memory, OLD);
}

#[test]
fn a_part_is_unmapped() {
    let (old, new) = (large(2 * PIECE, OLD), large(2 * PIECE, NEW));
    let map = unique(&old);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 2);
    region.pages(PIECE + 10..PIECE + 20).unmap().unwrap();
    assert_shows(region.pages(0..PIECE + 10), OLD);
    assert_shows(region.pages(PIECE + 20..2 * PIECE), OLD + PIECE as u64 + 20);
    map.redirect(&new).run().unwrap();
    assert_shows(region.pages(0..PIECE + 10), NEW);
    assert_shows(region.pages(PIECE + 20..2 * PIECE), NEW + PIECE as u64 + 20);
    assert_painted(&old, OLD);
}

#[test]
fn it_is_moved() {
    let map = unique(&large(PIECE, OLD));
    let mut region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    // To where a piece can be, to where none can, and back.
    for page in [PIECE, 2 * PIECE + 1, 4 * PIECE] {
        let room = Region::reserve(8 * PIECE);
        let first = (room.address() / PAGE).next_multiple_of(PIECE) - room.address() / PAGE;
        let place = room.pages(first + page..first + page + PIECE);
        region = region.remap(region.len(), MremapFlags::MAYMOVE, Some(place)).unwrap();
        assert_shows(region, OLD);
    }
    map.redirect(&large(PIECE, NEW)).run().unwrap();
    assert_shows(region, NEW);
}

#[test]
fn a_child_inherits_it() {
    let (old, new) = (large(PIECE, OLD), large(PIECE, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    let child = Child::fork(|parent| {
        assert_shows(region, OLD);
        region.write(3 * PAGE, 7);
        parent.say(0);
        parent.hear();
        assert_shows(region, NEW);
        region.unmap().unwrap();
    });
    child.hear();
    assert_eq!(region.read(3 * PAGE), 7);
    map.redirect(&new).run().unwrap();
    child.say(0);
    child.succeed();
    assert_shows(region, NEW);
}

#[test]
fn a_part_is_given_back_and_touched_again() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    for pages in [10..20, 0..PIECE] {
        region.pages(pages).advise(Advice::LinuxDontNeed).unwrap();
        assert_shows(region, OLD);
    }
    let plain = painted(PIECE, NEW);
    map.redirect(&plain).run().unwrap();
    assert_shows(region, NEW);
}
