// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings of which a part was unmapped, moved or changed: what is left goes on as before.

use iomd::{Errno, Map};
use rustix::mm::MprotectFlags;
use rustix::process::Signal;

use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, painted, unique, unique_shared,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
const PAGES: usize = 7;

fn mapped(map: &Map) -> Region {
    map.mmap().unwrap().into()
}

/// Asserts that these pages of the region are what they are to be, and no others can be touched.
#[track_caller]
fn assert_shows(region: Region, pages: &[usize], tag: u64) {
    for page in 0..region.len() / PAGE {
        let user = User::with(|| region);
        user.begin_read(page * PAGE);
        if pages.contains(&page) {
            assert_eq!(user.finish(), tag + page as u64);
        } else {
            assert_eq!(user.into_child().end(), End::Killed(Signal::SEGV), "page {page}");
        }
    }
}

#[test]
fn the_middle_is_unmapped_then_redirected() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    for touched in [true, false] {
        map.redirect(&old).run().unwrap();
        let region = mapped(&map);
        for page in (0..PAGES).filter(|_| touched) {
            region.read(page * PAGE);
        }
        region.pages(3..4).unmap().unwrap();
        map.redirect(&new).run().unwrap();
        assert_shows(region, &[0, 1, 2, 4, 5, 6], NEW);
    }
    assert_shows(region, &[0, 1, 2, 3, 4, 5, 6], NEW);
}

#[test]
fn beginning_and_end_are_unmapped_then_redirected() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    region.pages(0..2).unmap().unwrap();
    region.pages(6..7).unmap().unwrap();
    assert_shows(region, &[2, 3, 4, 5], OLD);
    map.redirect(&new).run().unwrap();
    assert_shows(region, &[2, 3, 4, 5], NEW);
    region.pages(4..5).unmap().unwrap();
    map.redirect(&old).run().unwrap();
    assert_shows(region, &[2, 3, 5], OLD);
}

#[test]
fn each_remaining_part_waits() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    region.pages(3..4).unmap().unwrap();
    map.suspend().unwrap();
    let users = [0, 2, 4, 6].map(|page| {
        let user = User::with(|| region);
        user.begin_read(page * PAGE);
        (user, page)
    });
    await_waiters(&map, users.len() as u64);
    map.redirect(&new).run().unwrap();
    for (user, page) in users {
        assert_eq!(user.finish(), NEW + page as u64);
    }
}

#[test]
fn what_is_put_into_the_hole_is_left_alone() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let region = mapped(&map);
    let hole = region.pages(3..4);
    hole.unmap().unwrap();
    hole.fill().unwrap();
    hole.write(0, 7);
    map.redirect(&new).run().unwrap();
    assert_eq!(hole.read(0), 7);
    map.suspend().unwrap();
    assert_eq!(hole.read(0), 7, "it does not wait either");
    map.unmap().unwrap();
    assert_eq!(hole.read(0), 7);
    drop(map);
    assert_eq!(hole.read(0), 7);
    assert_eq!(hole.fill(), Err(Errno::EXIST));
}

#[test]
fn parts_with_other_rights_follow_too() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    region.pages(2..3).protect(MprotectFlags::READ).unwrap();
    region.pages(4..5).protect(MprotectFlags::empty()).unwrap();
    map.redirect(&new).run().unwrap();
    assert_shows(region, &[0, 1, 2, 3, 5, 6], NEW);
    region.pages(4..5).protect(MprotectFlags::READ).unwrap();
    assert_eq!(region.read(4 * PAGE), NEW + 4);

    let user = User::with(|| region);
    user.begin_write(2 * PAGE, 7);
    assert_eq!(user.into_child().end(), End::Killed(Signal::SEGV));
    region.pages(2..3).protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
    region.write(2 * PAGE, 7);
}

#[test]
fn moved_parts_follow_too() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    let moved = region.pages(2..5).moved();
    assert_shows(region, &[0, 1, 5, 6], OLD);
    map.redirect(&new).run().unwrap();
    assert_shows(region, &[0, 1, 5, 6], NEW);
    for page in 0..3 {
        assert_eq!(moved.read(page * PAGE), NEW + 2 + page as u64);
    }
}

#[test]
fn remapped_file_pages_follow_too() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    region.pages(1..3).show_file_pages(5).unwrap();
    let shown = || [0, 1, 2, 3].map(|page| region.read(page * PAGE));
    assert_eq!(shown(), [OLD, OLD + 5, OLD + 6, OLD + 3]);
    map.redirect(&new).run().unwrap();
    assert_eq!(shown(), [NEW, NEW + 5, NEW + 6, NEW + 3]);
}

#[test]
fn remap_file_pages_shows_nothing_beyond_the_map() {
    let memory = painted(PAGES, OLD);
    let part = memory.map().unique(true).offset(PAGE as u64).length(4 * PAGE as u64);
    let map = part.create().unwrap();
    for first in [1, 4, 5, 1 << 30] {
        let child = Child::fork(|_| {
            let region = mapped(&map);
            assert_eq!(region.show_file_pages(first), Err(Errno::INVAL));
            let last = region.pages(3..4);
            assert_eq!(last.show_file_pages(first + 3), Err(Errno::INVAL));
        });
        child.succeed();
    }
    let region = mapped(&map);
    region.pages(0..1).show_file_pages(3).unwrap();
    assert_eq!(region.read(0), OLD + 4);
}

#[test]
fn the_address_told_is_that_of_what_was_mapped_first() {
    let map = unique(&painted(PAGES, OLD));
    let address = || map.info().unwrap().address.map(|address| address as usize);
    assert_eq!(address(), None);
    let (first, second) = (mapped(&map), mapped(&map));
    assert_eq!(address(), Some(first.address()));
    let moved = first.moved();
    assert_eq!(address(), Some(moved.address()));
    second.unmap().unwrap();
    assert_eq!(address(), Some(moved.address()));
    moved.unmap().unwrap();
    assert_eq!(address(), None);
    assert_eq!(map.info().unwrap().task, None);
    let third = mapped(&map);
    assert_eq!(address(), Some(third.address()));
}
