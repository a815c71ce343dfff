// SPDX-License-Identifier: MIT OR Apache-2.0

//! Buffers whose pages come on first touch.

use iomd::{Descriptor, Mapping};

use super::LONGEST;
use crate::support::{PAGE, User, client, proc, unique, window};

const TEBIBYTE: u64 = 1 << 40;

/// What the rest of the system may take or give meanwhile.
const TOLERANCE: u64 = 8 << 20;

/// Asserts that there is about as much free memory as there was.
#[track_caller]
fn assert_free(before: u64, spent: u64) {
    let now = proc::memory("MemAvailable");
    let missing = before.saturating_sub(now);
    assert!(missing <= spent + TOLERANCE, "{missing} bytes of memory are gone");
}

#[test]
fn an_untouched_tebibyte_costs_next_to_nothing() {
    let before = proc::memory("MemAvailable");
    let memory: Vec<Descriptor> =
        (0..10).map(|_| client().sparse_buffer(TEBIBYTE).unwrap()).collect();
    assert_free(before, 0);
    let mapped: Vec<Mapping> = memory.iter().map(window).collect();
    assert_free(before, 0);
    for memory in &memory {
        let info = memory.info().unwrap();
        assert_eq!((info.length, info.resident), (TEBIBYTE, 0));
    }
    drop((mapped, memory));
    assert_free(before, 0);
}

#[test]
fn pages_far_apart_come_one_by_one() {
    let before = proc::memory("MemAvailable");
    let memory = client().sparse_buffer(TEBIBYTE).unwrap();
    let mapped = window(&memory);
    // The ends, and one at every power of two between them.
    let pages: Vec<usize> = (12..40).map(|power| 1 << power).chain([0]).collect();
    let pages: Vec<usize> = pages
        .iter()
        .map(|page| TEBIBYTE as usize - PAGE - page)
        .chain(pages.iter().copied())
        .collect();
    let mut touched = pages.clone();
    touched.sort_unstable();
    touched.dedup();
    for (count, &page) in touched.iter().enumerate() {
        assert_eq!(memory.info().unwrap().resident, (count * PAGE) as u64);
        assert_eq!([0, PAGE - 8].map(|word| mapped.load_u64(page + word)), [0, 0]);
        mapped.store_u64(page, page as u64 + 1);
    }
    for &page in &touched {
        assert_eq!(mapped.load_u64(page), page as u64 + 1);
    }
    assert_eq!(memory.info().unwrap().resident, (touched.len() * PAGE) as u64);
    // A page each, and what it takes to find it: some nodes and some page tables.
    assert_free(before, (touched.len() * 8 * PAGE) as u64);
    drop((mapped, memory));
    assert_free(before, 0);
}

#[test]
fn the_last_page_of_the_longest_works() {
    let memory = client().sparse_buffer(LONGEST).unwrap();
    assert_eq!(memory.info().unwrap().length, LONGEST);
    let last = LONGEST - PAGE as u64;
    let map = memory.map().unique(true).offset(last).create().unwrap();
    let mapped = map.mmap().unwrap();
    assert_eq!(mapped.len(), PAGE);
    mapped.store_u64(PAGE - 8, 7);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    let copy = client().buffer(PAGE as u64).unwrap();
    memory.copy_to(&copy).range(last, 0).run().unwrap();
    assert_eq!(window(&copy).load_u64(PAGE - 8), 7);
}

#[test]
fn reading_gives_a_page_memory_as_writing_does() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    let users = [User::of(&map), User::of(&map)];
    assert_eq!(users[0].read(PAGE), 0);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    users[1].write(PAGE, 7);
    assert_eq!(users[0].read(PAGE), 7, "it is the same page for all");
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    users[1].write(3 * PAGE, 8);
    assert_eq!(memory.info().unwrap().resident, 2 * PAGE as u64);
}
