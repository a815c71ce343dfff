// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory in pieces of 2 MiB, and page-table entries for a whole one.

mod changes;
mod entries;
mod kernel;
mod memory;
mod pins;
mod races;
mod suspended;

use iomd::{BufferFlags, Descriptor, Map};

use crate::support::{PAGE, Region, client, on_one_processor, paint};

/// Pages of a piece.
const PIECE: usize = 512;

const OLD: u64 = 0x1_0000;
const NEW: u64 = 0x2_0000;

/// So many pages of memory in pieces, each of which begins with `tag` plus its number.
fn large(pages: usize, tag: u64) -> Descriptor {
    let memory = made(pages, BufferFlags::LARGE);
    paint(&memory, tag);
    memory
}

fn made(pages: usize, flags: BufferFlags) -> Descriptor {
    client().buffer_with((pages * PAGE) as u64, flags).expect("a buffer is made")
}

fn mapped(map: &Map) -> Region {
    map.mmap().expect("it is mapped").into()
}

/// Asserts that every page of a region has its word, and how many page faults that took.
#[track_caller]
fn assert_faults(map: &Map, region: Region, tag: u64, faults: u64) {
    let before = map.info().unwrap().faults;
    on_one_processor(|| assert_shows(region, tag));
    assert_eq!(map.info().unwrap().faults - before, faults, "page faults");
}

#[track_caller]
fn assert_shows(region: Region, tag: u64) {
    for page in 0..region.len() / PAGE {
        assert_eq!(region.read(page * PAGE), tag + page as u64, "page {page}");
    }
}
