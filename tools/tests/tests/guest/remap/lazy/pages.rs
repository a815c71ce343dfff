// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which pages a copy takes, and when.

use iomd::{Access, BufferFlags, Inheritance, Kind, MmapOptions, Protection};
use rustix::mm::MprotectFlags;

use super::super::RW;
use super::{
    Own, TAG, assert_painted, made_for_it, mapped, memory, place, shown, taken, unmap, was_at_once,
};
use crate::support::{PAGE, Region, window};

#[test]
fn none_until_one_side_touches_it() {
    let own = Own::new();
    let source = memory(8);
    let region = mapped(&source);
    // Entries that were there before are not used any more.
    assert_painted(region, TAG);
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0);
    assert_eq!(copy.read(2 * PAGE), TAG + 2);
    assert_eq!(taken(copy), 1);
    copy.write(2 * PAGE + 8, 1);
    copy.write(3 * PAGE, 1);
    assert_eq!(taken(copy), 2);
    region.write(5 * PAGE, 1);
    assert_eq!(taken(copy), 3);
    region.write(5 * PAGE, 2);
    region.write(2 * PAGE, 2);
    assert_eq!(taken(copy), 3);
    let expected = [0, 1, 2, 1 - 1, 4, 5, 6, 7];
    for (page, tag) in expected.iter().enumerate().filter(|(page, _)| *page != 3) {
        assert_eq!(copy.read(page * PAGE), TAG + tag, "page {page}");
    }
    assert_eq!(taken(copy), 8);
    unmap([region, copy]);
}

#[test]
fn who_may_only_read_takes_none() {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    let map = source.map().read_only(true).keep(true).create().unwrap();
    let options = MmapOptions { read_only: true, ..Default::default() };
    let read_only = Region::from(map.mmap_with(options).unwrap());
    assert_painted(read_only, TAG);
    let copy = own.copy(region);
    assert_painted(read_only, TAG);
    let without_entries = Region::from(map.mmap_with(options).unwrap());
    assert_painted(without_entries, TAG);
    assert_eq!(taken(copy), 0);
    region.write(0, 7);
    assert_eq!((read_only.read(0), copy.read(0)), (7, TAG));
    // A copy of that is one too.
    let second = own.remap(read_only).copy(true).protections(RW, RW).run().unwrap();
    assert_eq!((second.cur, second.max), (RW, RW));
    let second = place(second, read_only.len());
    second.write(PAGE, 8);
    assert_eq!([region, read_only, copy].map(|side| side.read(PAGE)), [TAG + 1; 3]);
    assert_eq!(second.read(0), 7);
    unmap([region, read_only, without_entries, copy, second]);
}

#[test]
fn rights_are_those_of_the_source() {
    let own = Own::new();
    let source = memory(2);
    let map = source.map().read_only(true).keep(true).create().unwrap();
    let read_only = MmapOptions { read_only: true, ..Default::default() };
    let region = Region::from(map.mmap_with(read_only).unwrap());
    let copy = own.remap(region).copy(true).run().unwrap();
    assert_eq!((copy.cur, copy.max), (Protection::READ, Protection::READ));
    let copy = place(copy, region.len());
    assert!(copy.protect(MprotectFlags::READ | MprotectFlags::WRITE).is_err());
    assert_painted(copy, TAG);
    unmap([region, copy]);
}

#[test]
fn those_without_memory_stay_zeros() {
    let own = Own::new();
    let source = made_for_it(4, BufferFlags::SPARSE);
    let region = mapped(&source);
    region.write(PAGE, 5);
    let copy = own.copy(region);
    // They come after the copy.
    region.write(0, 6);
    window(&source).store_u64(2 * PAGE, 7);
    assert_eq!([0, 1, 2, 3].map(|page| copy.read(page * PAGE)), [0, 5, 0, 0]);
    assert_eq!([0, 1, 2, 3].map(|page| region.read(page * PAGE)), [6, 5, 7, 0]);
    unmap([region, copy]);
}

#[test]
fn some_of_a_mapping() {
    let own = Own::new();
    let source = memory(8);
    let part = source.sub(2 * PAGE as u64, 5 * PAGE as u64, Access::ReadWrite).unwrap();
    let region = mapped(&part).pages(1..4);
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0);
    for page in 0..8 {
        window(&source).store_u64(page * PAGE, 9);
    }
    assert_eq!(taken(copy), 3);
    assert_painted(copy, TAG + 3);
    unmap([copy]);
}

#[test]
fn a_copy_is_memory_of_its_own() {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let copy = own.remap(region).copy(true).inheritance(inheritance).run().unwrap();
        assert_eq!((copy.cur, copy.max), (RW, RW));
        let copy = place(copy, region.len());
        let info = shown(copy).unwrap().info().unwrap();
        assert_eq!((info.kind, info.length, info.maps), (Kind::Buffer, 4 * PAGE as u64, 1));
        unmap([copy]);
    }
    let ordinary = own.copy(mapped(&crate::support::painted(4, TAG)));
    assert!(was_at_once(ordinary));
    assert_painted(ordinary, TAG);
    unmap([region, ordinary]);
}
