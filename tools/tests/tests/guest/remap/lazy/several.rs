// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several copies of one memory, and copies of copies.

use iomd::{Access, Errno, Purgeable};

use super::{
    Own, TAG, assert_apart, assert_painted, mapped, memory, shown, shown_id, taken, unmap,
    was_at_once,
};
use crate::support::{PAGE, Region, assert_painted as assert_memory, buffer, client};

/// How many copies of one memory can lack pages.
const MOST: usize = 16;

#[test]
fn each_is_of_its_own_moment() {
    let own = Own::new();
    let source = memory(3);
    let region = mapped(&source);
    let copies: Vec<Region> = (0..MOST as u64)
        .map(|count| {
            let copy = own.copy(region);
            region.write(PAGE, count);
            copy
        })
        .collect();
    for (count, copy) in copies.iter().enumerate() {
        let expected = count.checked_sub(1).map_or(TAG + 1, |before| before as u64);
        assert_eq!(taken(*copy), 1, "copy {count}");
        assert_eq!([0, 1, 2].map(|page| copy.read(page * PAGE)), [TAG, expected, TAG + 2]);
    }
    // They have all by now, and are nothing to the writers any more.
    region.write(0, 1);
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0);
    unmap(copies.into_iter().chain([region, copy]));
}

#[test]
fn beyond_some_they_are_made_at_once() {
    let own = Own::new();
    let source = memory(3);
    let region = mapped(&source);
    let copies: Vec<Region> = (0..MOST).map(|_| own.copy(region)).collect();
    let further = own.copy(region);
    assert!(was_at_once(further));
    assert_painted(further, TAG);
    unmap(copies);
    let again = own.copy(region);
    assert_eq!(taken(again), 0);
    unmap([region, further, again]);
}

#[test]
fn a_copy_of_a_copy() {
    let own = Own::new();
    let source = memory(3);
    let region = mapped(&source);
    let copy = own.copy(region);
    copy.write(0, 7);
    let second = own.copy(copy);
    assert!(was_at_once(second));
    assert_eq!(taken(copy), 3);
    region.write(PAGE, 8);
    assert_eq!([0, 1, 2].map(|page| second.read(page * PAGE)), [7, TAG + 1, TAG + 2]);
    assert_apart(copy, second);
    unmap([region, copy, second]);
}

#[test]
fn who_does_not_touch_it_has_all_of_it_first() {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    let lazy = || {
        let copy = own.copy(region);
        assert_eq!(taken(copy), 0);
        let id = shown(copy).unwrap().id().unwrap();
        (copy, client().open_descriptor(id, Access::ReadWrite).unwrap())
    };
    let (copy, memory) = lazy();
    let mut word = [0; 8];
    memory.read_bytes(PAGE as u64, &mut word).unwrap();
    assert_eq!(u64::from_ne_bytes(word), TAG + 1);
    unmap([copy]);

    let (copy, memory) = lazy();
    memory.write_bytes(PAGE as u64, &[0; 4]).unwrap();
    region.write(2 * PAGE, 3);
    assert_eq!([1, 2].map(|page| copy.read(page * PAGE)), [0, TAG + 2]);
    unmap([copy]);
    region.write(2 * PAGE, TAG + 2);

    let (copy, memory) = lazy();
    let target = buffer(4);
    memory.copy_to(&target).run().unwrap();
    assert_memory(&target, TAG);
    unmap([copy]);

    let (copy, memory) = lazy();
    source.copy_to(&memory).range(0, PAGE as u64).run().unwrap();
    region.write(3 * PAGE, 9);
    assert_painted(copy, TAG);
    unmap([copy]);
    region.write(3 * PAGE, TAG + 3);

    let (copy, memory) = lazy();
    client().open_map(shown_id(copy).unwrap()).unwrap().wire(PAGE as u64, PAGE as u64).unwrap();
    assert_eq!(taken(copy), 1);
    assert_eq!(copy.read(PAGE), TAG + 1);
    assert_eq!(memory.set_purgeable(Purgeable::Empty).unwrap_err().errno(), Errno::OPNOTSUPP);
    unmap([region, copy]);
}
