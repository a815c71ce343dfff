// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies: the memory as it was.

use iomd::{Deadline, Errno, Inheritance, Protection};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::time::Duration;

use super::{
    Own, RW, TAG, assert_apart, assert_painted, map, memfd, place, private, shared, unmap,
};
use crate::support::{Child, PAGE, Region, buffer, client, painted, unique, unique_shared};

const ALL: [Inheritance; 3] = [Inheritance::Share, Inheritance::Copy, Inheritance::None];

#[test]
fn neither_side_sees_what_the_other_writes() {
    let own = Own::new();
    let file = memfd(3, TAG);
    let of_map = unique(&painted(3, TAG));
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    for region in [
        private(3, TAG),
        shared(&file, 0, 3),
        map(&file, 0, 3, rights, MapFlags::PRIVATE),
        Region::from(of_map.mmap().unwrap()),
    ] {
        for inheritance in ALL {
            let copy = own.remap(region).copy(true).inheritance(inheritance).run().unwrap();
            assert_eq!(copy.cur, RW);
            let copy = place(copy, region.len());
            assert_painted(copy, TAG);
            assert_apart(region, copy);
            unmap([copy]);
        }
        let copy = own.copy(region);
        region.unmap().unwrap();
        assert_painted(copy, TAG);
        unmap([copy]);
    }
}

#[test]
fn it_can_be_written_where_the_source_cannot_if_asked_for() {
    let own = Own::new();
    let memory = painted(2, TAG);
    let read_only = memory.map().read_only(true).create().unwrap();
    let region = Region::from(read_only.mmap().unwrap());
    let copy = own.remap(region).copy(true).run().unwrap();
    assert_eq!((copy.cur, copy.max), (Protection::READ, Protection::READ));
    let copy = place(copy, region.len());
    assert_painted(copy, TAG);
    assert_eq!(copy.protect(MprotectFlags::READ | MprotectFlags::WRITE), Err(Errno::ACCESS));

    for inheritance in ALL {
        let writable = own.remap(region).copy(true).inheritance(inheritance).protections(RW, RW);
        let writable = writable.run().unwrap();
        assert_eq!((writable.cur, writable.max), (RW, RW));
        let writable = place(writable, region.len());
        writable.write(0, 5);
        assert_eq!((writable.read(0), region.read(0)), (5, TAG));
        unmap([writable]);
    }
    unmap([region, copy]);
}

#[test]
fn the_rights_of_the_moment_do_not_keep_it_from_being_copied() {
    let own = Own::new();
    let region = private(2, TAG);
    region.protect(MprotectFlags::empty()).unwrap();
    let copy = own.remap(region).copy(true).run().unwrap();
    assert_eq!(copy.cur, Protection::empty());
    let copy = place(copy, region.len());
    copy.protect(MprotectFlags::READ).unwrap();
    assert_painted(copy, TAG);
    unmap([region, copy]);
}

#[test]
fn a_sparse_buffer_stays_sparse() {
    let own = Own::new();
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    let region = Region::from(map.mmap().unwrap());
    region.write(2 * PAGE, 7);
    let copy = own.copy(region);
    assert_eq!([0, 1, 2, 3].map(|page| copy.read(page * PAGE)), [0, 0, 7, 0]);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    unmap([region, copy]);
}

#[test]
fn memory_of_others_that_is_mapped_by_a_map() {
    let own = Own::new();
    let region = private(2, TAG);
    let alias = own.alias(region);
    let copy = own.copy(alias);
    assert_painted(copy, TAG);
    assert_apart(alias, copy);
    unmap([region, alias, copy]);
}

#[test]
fn of_a_suspended_map_it_waits() {
    let map = unique_shared(&painted(1, TAG));
    let region = Region::from(map.mmap().unwrap());
    map.suspend().unwrap();
    let own = Own::new();
    let deadline = Deadline::after(Duration::from_millis(1));
    let late = own.remap(region).copy(true).deadline(deadline).run().unwrap_err();
    assert_eq!(late.errno(), Errno::TIMEDOUT);

    let child = Child::fork(|parent| {
        let own = Own::new();
        parent.say(0);
        parent.say(own.copy(region).read(0));
    });
    child.hear();
    child.await_state('S');
    map.redirect(&painted(1, 2 * TAG)).run().unwrap();
    assert_eq!(child.hear(), 2 * TAG);
    child.succeed();
    unmap([region]);
}

#[test]
fn of_memory_that_is_gone_there_is_none() {
    let own = Own::new();
    let memory = buffer(1);
    let map = unique(&memory);
    let region = Region::from(map.mmap().unwrap());
    memory.set_purgeable(iomd::Purgeable::Empty).unwrap();
    let refused = own.remap(region).copy(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::IO);
    map.unmap().unwrap();
    let refused = own.remap(region).copy(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::IO);
    unmap([region]);
}
