// SPDX-License-Identifier: MIT OR Apache-2.0

//! One fault can put more pages in than the one that is touched. None of them is ever wrong, beyond
//! the mapping, or one that should not have come to be.

use std::sync::Barrier;
use std::thread;

use iomd::{Map, MmapOptions};

use super::{OLD, assert_shows, part};
use crate::support::{PAGE, Region, client, painted, scaled, unique, window};

/// More than one fault ever puts in, in pages.
const FAR: usize = 64;

/// Maps a part of the map at that many pages past a boundary of [`FAR`] pages, between two pages of
/// other memory; calls back with it.
fn between_others(map: &Map, options: MmapOptions, shift: usize, work: impl FnOnce(Region)) {
    let pages = options.length / PAGE;
    let room = Region::reserve(2 * FAR + pages + 2);
    room.unmap().unwrap();
    let before = FAR - room.address() / PAGE % FAR + shift;
    let neighbours = [before - 1, before + pages].map(|page| room.pages(page..page + 1));
    neighbours.map(|neighbour| neighbour.fill().unwrap());
    let place = room.pages(before..before + pages);
    let region = map.mmap_with(MmapOptions { address: Some(place.address()), ..options }).unwrap();
    let region = Region::from(region);
    assert_eq!(region, place);
    work(region);
    for neighbour in neighbours {
        assert_eq!(neighbour.read(0), 0, "it was never touched");
        neighbour.unmap().unwrap();
    }
    region.unmap().unwrap();
}

/// Touches the pages in that order, each with the right content.
fn touch(region: Region, first: usize, pages: impl Iterator<Item = usize>) {
    for page in pages {
        assert_shows(region.pages(page..page + 1), first + page);
    }
}

#[test]
fn every_page_of_every_part_is_the_right_one() {
    for pages in [1, 2, 15, 16, 17, 33] {
        let memory = painted(pages + 2, OLD);
        let length = (pages * PAGE) as u64;
        let map = memory.map().unique(true).offset(PAGE as u64).length(length).create().unwrap();
        let last = pages - 1;
        let mut parts = vec![(0, pages), (0, 1), (last, 1), (pages / 2, pages - pages / 2)];
        parts.dedup();
        for (first, count) in parts {
            for shift in [0, 1, 7, 15, 16, 31] {
                // From the front, from the back, from the middle outwards.
                let orders: [fn(usize, usize) -> usize; 3] = [
                    |_, touched| touched,
                    |count, touched| count - 1 - touched,
                    |count, touched| match touched % 2 {
                        0 => (count / 2 + touched / 2) % count,
                        _ => (count + count / 2 - 1 - touched / 2) % count,
                    },
                ];
                for order in orders {
                    between_others(&map, part(first, count), shift, |region| {
                        touch(region, 1 + first, (0..count).map(|touched| order(count, touched)));
                        assert_shows(region, 1 + first);
                    });
                }
            }
        }
    }
}

#[test]
fn the_last_page_of_a_map_is_a_whole_one() {
    let memory = painted(4, OLD);
    for odd in [1, PAGE - 1, PAGE] {
        let length = (PAGE + odd) as u64;
        let map = memory.map().unique(true).offset(PAGE as u64).length(length).create().unwrap();
        let info = map.info().unwrap();
        assert_eq!((info.length, info.mapped_size), (length, 2 * PAGE as u64));
        between_others(&map, part(0, 2), 0, |region| {
            touch(region, 1, [1, 0].into_iter());
            region.write(2 * PAGE - 8, odd as u64);
        });
        assert_eq!(window(&memory).load_u64(3 * PAGE - 8), odd as u64);
        assert_eq!(window(&memory).load_u64(3 * PAGE), OLD + 3);
    }
}

#[test]
fn pages_come_to_be_only_by_touch() {
    const PAGES: usize = 40;
    let memory = client().sparse_buffer((PAGES * PAGE) as u64).unwrap();
    let map = unique(&memory);
    let resident = || memory.info().unwrap().resident as usize / PAGE;
    between_others(&map, part(0, PAGES), 0, |region| {
        let order = [0, PAGES - 1, 16, 15, 5, 7, 6];
        for (count, page) in order.into_iter().enumerate() {
            assert_eq!(region.read(page * PAGE), 0);
            assert_eq!(resident(), count + 1, "page {page}");
            region.write(page * PAGE, OLD + page as u64);
        }
        // With holes between those that are there.
        between_others(&map, part(0, PAGES), 3, |again| {
            for page in order {
                assert_shows(again.pages(page..page + 1), page);
            }
            assert_eq!(resident(), order.len());
            for page in 0..PAGES {
                let expected = if order.contains(&page) { OLD + page as u64 } else { 0 };
                assert_eq!(again.read(page * PAGE), expected);
            }
            assert_eq!(resident(), PAGES);
        });
    });
}

#[test]
fn threads_meet_in_one_window() {
    const PAGES: usize = 32;
    const THREADS: usize = 4;
    let map = unique(&painted(PAGES, OLD));
    for round in 0..scaled(100) as usize {
        between_others(&map, part(0, PAGES), round % FAR, |region| {
            let start = Barrier::new(THREADS);
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        let step = [1, 3, 5, 7][thread];
                        touch(region, 0, (0..PAGES).map(|page| (page * step + round) % PAGES));
                    });
                }
            });
        });
    }
}
