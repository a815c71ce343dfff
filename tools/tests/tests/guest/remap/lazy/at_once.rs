// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where something is in the way of a lazy copy, it is copied at once; and what cannot be made for it.

use std::time::Instant;

use iomd::{BufferFlags, CacheMode, Errno, Inheritance};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{
    Own, TAG, assert_apart, assert_painted, made_for_it, mapped, memory, place, taken,
    unique_shared, unmap, was_at_once,
};
use crate::support::copier::{Copier, pages};
use crate::support::privileges::become_user;
use crate::support::{Child, LIMIT, PAGE, Region, client, painted};

#[test]
fn for_a_copy_of_a_child_s_own() {
    let own = Own::new();
    let source = memory(2);
    let region = mapped(&source);
    let copy = own.remap(region).copy(true).inheritance(Inheritance::Copy).run().unwrap();
    let copy = place(copy, region.len());
    assert!(was_at_once(copy));
    assert_painted(copy, TAG);
    assert_apart(region, copy);
    unmap([region, copy]);
}

#[test]
fn while_a_sealed_map_can_write_it() {
    let own = Own::new();
    let source = memory(2);
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    map.seal().unwrap();
    let copy = own.copy(region);
    assert!(was_at_once(copy));
    assert_painted(copy, TAG);
    map.unmap().unwrap();
    unmap([region, copy]);

    // One that cannot is nothing to it.
    let region = mapped(&source);
    let map = source.map().read_only(true).create().unwrap();
    map.seal().unwrap();
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0);
    unmap([region, copy]);
}

#[test]
fn beyond_the_memory_that_may_be_locked() {
    let source = memory(4);
    let map = unique_shared(&source);
    let child = Child::fork(|_| {
        let region = Region::from(map.mmap().unwrap());
        let own = Own::new();
        let limit = 2 * PAGE as u64;
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::Memlock, limit).unwrap();
        become_user(4711);
        let copy = own.copy(region);
        let of_two = own.copy(region.pages(0..2));
        let of_one_more = own.copy(region.pages(2..3));
        // Before anything is asked of /proc, which it cannot read any more.
        for page in 0..4 {
            region.write(page * PAGE, 1);
        }
        assert_painted(copy, TAG);
        assert_painted(of_two, TAG);
        assert_painted(of_one_more, TAG + 2);
    });
    child.succeed();
}

#[test]
fn among_other_memory() {
    let own = Own::new();
    let (lazy, other) = (memory(2), painted(2, TAG + 2));
    let place_of = Region::reserve(5);
    place_of.unmap().unwrap();
    let task = &own.task;
    for (memory, page) in [(&lazy, 0), (&other, 2)] {
        let map = memory.map().keep(true).inheritance(Inheritance::Share).create().unwrap();
        map.map_into(task).at(place_of.pages(page..page + 2).address() as u64).run().unwrap();
    }
    place_of.pages(4..5).fill().unwrap();
    place_of.write(4 * PAGE, TAG + 4);
    let copy = own.copy(place_of);
    assert_eq!(taken(copy.pages(0..2)), 0);
    assert!(was_at_once(copy.pages(2..4)));
    for page in 0..5 {
        place_of.write(page * PAGE, 1);
    }
    assert_painted(copy, TAG);
    unmap([place_of, copy]);
}

#[test]
fn memory_of_several_buffers() {
    let own = Own::new();
    let (first, second) = (memory(2), memory(2));
    let both = client().multi(&[&first, &second]).unwrap();
    let region = mapped(&both);
    let copy = own.copy(region);
    assert!(was_at_once(copy));
    // A part of one of them.
    let part = own.copy(region.pages(2..4));
    assert_eq!(taken(part), 0);
    region.write(2 * PAGE, 1);
    assert_painted(part, TAG);
    unmap([region, copy, part]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    for others in
        [BufferFlags::LARGE, BufferFlags::CONTIGUOUS, BufferFlags::LARGE | BufferFlags::SPARSE]
    {
        let flags = BufferFlags::LAZY_COPY | others;
        let refused = client().buffer_with(PAGE as u64, flags).unwrap_err();
        assert_eq!(refused.errno(), Errno::INVAL, "{others:?}");
    }
    let memory = made_for_it(1, BufferFlags::GUARDED);
    let map = memory.map().cache_mode(CacheMode::WriteCombine).create();
    assert_eq!(map.unwrap_err().errno(), Errno::OPNOTSUPP);
    memory.map().cache_mode(CacheMode::Copyback).create().unwrap();
}

#[test]
fn while_an_atomic_copy_writes_it() {
    let own = Own::new();
    let (other, target) = (painted(pages(), 2 * TAG), memory(pages()));
    let region = mapped(&target);
    let start = Instant::now();
    loop {
        region.write(0, TAG);
        let copier = Copier::of(&other, &target);
        let copy = own.copy(region.pages(0..1));
        let under_way = copier.is_under_way();
        copier.finish().unwrap();
        let done = under_way.then(|| was_at_once(copy));
        unmap([copy]);
        if let Some(at_once) = done {
            assert!(at_once);
            break;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
    unmap([region]);
}
