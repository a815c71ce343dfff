// SPDX-License-Identifier: MIT OR Apache-2.0

//! What one side writes the other does not see, whichever way it is written.

use iomd::{Access, Inheritance};
use rustix::mm::MremapFlags;

use super::{
    Own, TAG, assert_apart, assert_painted, mapped, memory, place, taken, unique_shared, unmap,
};
use crate::support::{Child, PAGE, Region, User};

/// Asserts that copies are apart from memory that `write` writes.
#[track_caller]
fn assert_copied(what: &str, region: Region, write: impl Fn(usize, u64)) {
    let own = Own::new();
    for word in 1..4 {
        let before: Vec<_> = (0..4).map(|page| region.read(page * PAGE)).collect();
        let copy = own.copy(region);
        for page in 0..4 {
            write(page, word);
            assert_eq!(region.read(page * PAGE), word, "{what}");
        }
        let after: Vec<_> = (0..4).map(|page| copy.read(page * PAGE)).collect();
        assert_eq!(after, before, "{what}, copy {word}");
        copy.write(0, 7);
        assert_eq!(region.read(0), word, "{what}");
        unmap([copy]);
    }
}

#[test]
fn through_every_mapping() {
    let source = memory(4);
    let region = mapped(&source);
    assert_copied("itself", region, |page, word| region.write(page * PAGE, word));
    let other = mapped(&source);
    assert_copied("another map", region, |page, word| other.write(page * PAGE, word));
    let sub = mapped(&source.sub(PAGE as u64, 0, Access::ReadWrite).unwrap());
    assert_copied("a part", region, |page, word| match page {
        0 => region.write(0, word),
        page => sub.write((page - 1) * PAGE, word),
    });
    let alias = Own::new().alias(region);
    assert_copied("an alias", region, |page, word| alias.write(page * PAGE, word));
    let place = Region::reserve(4);
    let moved = alias.remap(alias.len(), MremapFlags::MAYMOVE, Some(place)).unwrap();
    assert_copied("moved", region, |page, word| moved.write(page * PAGE, word));
    unmap([region, other, sub, moved]);
}

#[test]
fn through_mappings_of_others() {
    let source = memory(4);
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    for (what, user) in [("forked", User::with(|| region)), ("another", User::of(&map))] {
        // It has entries of its own.
        assert_eq!(user.read(3 * PAGE), region.read(3 * PAGE));
        assert_copied(what, region, |page, word| {
            user.write(page * PAGE, word);
        });
    }
    unmap([region]);
}

#[test]
fn after_it_was_forked() {
    let own = Own::new();
    let source = memory(2);
    let region = mapped(&source);
    for inheritance in [Inheritance::Share, Inheritance::None] {
        let copy = own.remap(region).copy(true).inheritance(inheritance).run().unwrap();
        let copy = place(copy, region.len());
        assert_eq!(copy.read(0), TAG);
        let child = Child::fork(|parent| {
            // The child's own entries come from here on.
            region.write(PAGE + 8, 5);
            parent.say(0);
            parent.hear();
            if inheritance == Inheritance::Share {
                assert_eq!((copy.read(PAGE), copy.read(PAGE + 8)), (TAG + 1, 0));
                copy.write(PAGE + 16, 6);
            }
        });
        child.hear();
        assert_eq!(taken(copy), 2);
        child.say(0);
        child.succeed();
        assert_eq!(region.read(PAGE + 16), 0);
        let shared = inheritance == Inheritance::Share;
        assert_eq!(copy.read(PAGE + 16), if shared { 6 } else { 0 });
        region.write(PAGE + 8, 0);
        unmap([copy]);
    }
    unmap([region]);
}

#[test]
fn both_ways_on_every_page() {
    let own = Own::new();
    let source = memory(20);
    let region = mapped(&source);
    let copy = own.copy(region);
    assert_painted(copy, TAG);
    assert_apart(region, copy);
    // The other way round: the source is touched first, in a row.
    let second = own.copy(region);
    for page in 0..20 {
        region.write(page * PAGE, 1);
    }
    for page in (0..20).rev() {
        assert_eq!(second.read(page * PAGE), TAG + page as u64);
    }
    unmap([region, copy, second]);
}
