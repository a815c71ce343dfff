// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several kinds of memory in one range.

use iomd::{Errno, Inheritance, Map, Protection};
use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::mm::{MprotectFlags, MremapFlags};

use super::{
    Own, RW, TAG, assert_apart, assert_painted, assert_shared, memfd, place, private, shared, unmap,
};
use crate::support::{PAGE, Region, eventually, objects, painted, proc, unique};

/// A page of each kind, twice, one after the other.
fn row() -> (Region, Map) {
    let place = Region::reserve(6);
    let map = unique(&painted(2, TAG + 2));
    let of_map = Region::from(map.mmap().unwrap());
    let of_file = shared(memfd(2, TAG + 4), 0, 2);
    for (first, part) in [(0, private(2, TAG)), (2, of_map), (4, of_file)] {
        let at = place.pages(first..first + 2);
        part.remap(part.len(), MremapFlags::MAYMOVE, Some(at)).unwrap();
    }
    assert_painted(place, TAG);
    (place, map)
}

#[test]
fn they_keep_their_order_and_their_ways() {
    let own = Own::new();
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let (region, map) = row();
        let remapped = own.remap(region).inheritance(inheritance).run().unwrap();
        assert_eq!(remapped.cur, RW);
        let alias = place(remapped, region.len());
        assert_painted(alias, TAG);
        assert_shared(region, alias);
        map.redirect(&painted(2, 9 * TAG)).run().unwrap();
        assert_painted(alias.pages(2..4), 9 * TAG);
        unmap([region]);
        assert_eq!(alias.read(0), TAG);
        assert_eq!(alias.read(5 * PAGE), TAG + 5);
        unmap([alias]);
    }
}

#[test]
fn a_part_of_them() {
    let own = Own::new();
    let (region, _map) = row();
    let alias = own.alias(region.pages(1..5));
    assert_painted(alias, TAG + 1);
    assert_shared(region.pages(1..5), alias);
    unmap([region, alias]);
}

#[test]
fn a_copy_of_all() {
    let own = Own::new();
    let (region, _map) = row();
    let copy = own.copy(region);
    assert_painted(copy, TAG);
    assert_apart(region, copy);
    unmap([region, copy]);
}

#[test]
fn what_is_told_holds_for_all_and_each_keeps_its_own() {
    let own = Own::new();
    for copy in [false, true] {
        let region = private(3, TAG);
        region.pages(1..2).protect(MprotectFlags::READ).unwrap();
        let remapped = own.remap(region).copy(copy).run().unwrap();
        assert_eq!(remapped.cur, Protection::READ);
        assert!(remapped.max.contains(RW));
        let alias = place(remapped, region.len());
        alias.write(0, 5);
        alias.write(2 * PAGE, 5);
        let child = crate::support::Child::fork(|_| alias.write(PAGE, 5));
        assert_ne!(child.end(), crate::support::End::Exited(0));
        unmap([region, alias]);
    }
}

#[test]
fn one_that_cannot_be_mapped_is_none_of_them() {
    let own = Own::new();
    let region = Region::reserve(3);
    let file = memfd(1, TAG + 2);
    for (first, part) in [(0, private(2, TAG)), (2, shared(&file, 0, 1))] {
        let at = region.pages(first..first + part.len() / PAGE);
        part.remap(part.len(), MremapFlags::MAYMOVE, Some(at)).unwrap();
    }
    // What is mapped stays writable, and is not mapped writable again.
    fcntl_add_seals(&file, SealFlags::FUTURE_WRITE).unwrap();
    let there = private(3, 2 * TAG);
    let sight = || (objects(), proc::mappings(rustix::process::getpid()).len());
    let before = sight();
    assert_eq!(own.remap(region).run().unwrap_err().errno(), Errno::PERM);
    // SAFETY: nothing of Rust's is there.
    let over = unsafe { own.remap(region).over(there.address() as u64) };
    assert_eq!(over.run().unwrap_err().errno(), Errno::PERM);
    assert_painted(there, 2 * TAG);
    eventually("nothing is left", || sight() == before);
    unmap([region, there]);
}

#[test]
fn one_that_cannot_be_had_is_none_of_them() {
    let own = Own::new();
    let (region, map) = row();
    map.unmap().unwrap();
    let before = proc::mappings(rustix::process::getpid()).len();
    for copy in [false, true] {
        let refused = own.remap(region).copy(copy).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::IO);
        assert_eq!(proc::mappings(rustix::process::getpid()).len(), before);
    }
    region.pages(2..3).unmap().unwrap();
    let refused = own.remap(region).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::FAULT);
    unmap([region]);
}
