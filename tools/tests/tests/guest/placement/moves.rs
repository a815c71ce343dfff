// SPDX-License-Identifier: MIT OR Apache-2.0

//! mremap(2): a mapping is moved and shortened, and never becomes longer or two.

use iomd::{Errno, Map, MapInfo};
use rustix::mm::MremapFlags;

use super::{OLD, assert_shows, assert_unchanged, is_mapped, mapped, part};
use crate::support::{PAGE, Region, painted, unique, window};

const PAGES: usize = 4;

/// Asserts that the mapping and its map are as before.
#[track_caller]
fn assert_stays(region: Region, map: &Map, before: &MapInfo) {
    assert_unchanged(map, before);
    assert_shows(region, 0);
}

#[test]
fn it_moves() {
    let memory = painted(PAGES, OLD);
    let map = unique(&memory);
    let other = mapped(&map);
    for touched in [false, true] {
        let region = mapped(&map);
        if touched {
            assert_shows(region, 0);
        }
        let moved = region.moved();
        assert!(!is_mapped(region));
        assert_shows(moved, 0);
        moved.write(8, 7);
        assert_eq!(window(&memory).load_u64(8), 7);
        assert_shows(other, 0);
        moved.unmap().unwrap();
    }
    other.unmap().unwrap();
}

#[test]
fn it_becomes_shorter() {
    let map = unique(&painted(PAGES, OLD));
    let region = mapped(&map);
    for pages in (1..PAGES).rev() {
        let shorter = region.pages(0..pages + 1).remap(pages * PAGE, MremapFlags::empty(), None);
        assert_eq!(shorter, Ok(region.pages(0..pages)));
        assert!(!is_mapped(region.pages(pages..pages + 1)));
        assert_shows(region.pages(0..pages), 0);
    }
    region.pages(0..1).unmap().unwrap();
    assert_eq!(map.info().unwrap().task, None);
}

#[test]
fn it_moves_and_becomes_shorter() {
    let map = unique(&painted(PAGES, OLD));
    let region = mapped(&map);
    let place = Region::reserve(2);
    let moved = region.remap(2 * PAGE, MremapFlags::MAYMOVE, Some(place)).unwrap();
    assert_eq!(moved, place);
    assert!((0..PAGES).all(|page| !is_mapped(region.pages(page..page + 1))));
    assert_shows(moved, 0);
    moved.unmap().unwrap();
    assert_eq!(map.info().unwrap().task, None);
}

#[test]
fn it_does_not_become_longer() {
    let map = unique(&painted(PAGES, OLD));
    // Neither beyond the map nor within it.
    for pages in [PAGES, 2] {
        let region = Region::from(map.mmap_with(part(0, pages)).unwrap());
        let before = map.info().unwrap();
        for flags in [MremapFlags::empty(), MremapFlags::MAYMOVE] {
            for length in [(pages + 1) * PAGE, 1 << 32] {
                assert_eq!(region.remap(length, flags, None), Err(Errno::FAULT), "{flags:?}");
                assert_stays(region, &map, &before);
            }
        }
        region.unmap().unwrap();
    }
}

#[test]
fn it_is_not_doubled() {
    let map = unique(&painted(PAGES, OLD));
    let region = mapped(&map);
    let before = map.info().unwrap();
    // A size of 0 asks for a second mapping of the same.
    let doubled = region.pages(0..0).remap(region.len(), MremapFlags::MAYMOVE, None);
    assert_eq!(doubled, Err(Errno::FAULT));
    assert_stays(region, &map, &before);
    let flags = MremapFlags::MAYMOVE | MremapFlags::DONTUNMAP;
    assert_eq!(region.remap(region.len(), flags, None), Err(Errno::INVAL));
    assert_stays(region, &map, &before);
    region.unmap().unwrap();
}
