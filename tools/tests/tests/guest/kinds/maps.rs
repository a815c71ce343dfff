// SPDX-License-Identifier: MIT OR Apache-2.0

//! What maps of each kind show.

use iomd::{Access, Errno};

use super::{KINDS, PAGES, bytes_of};
use crate::support::{PAGE, assert_painted, painted, unique, window};

const TAG: u64 = 0x0100;

#[test]
fn all_of_it() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        let mapping = map.mmap().unwrap();
        let info = map.info().unwrap();
        assert_eq!((info.offset, info.length), (0, bytes_of(PAGES)), "{}", kind.name);
        assert_eq!((info.mapped_size, info.page_offset), (bytes_of(PAGES), 0), "{}", kind.name);
        assert_eq!(info.descriptor_id, sample.memory.id().unwrap(), "{}", kind.name);
        for page in (0..PAGES).rev() {
            assert_eq!(mapping.load_u64(page * PAGE), TAG + page as u64, "{}", kind.name);
        }
        // What is written through one map is seen through another.
        mapping.store_u64(3 * PAGE + 8, 7);
        assert_eq!(window(&sample.memory).load_u64(3 * PAGE + 8), 7, "{}", kind.name);
        let read_only = sample.memory.map().read_only(true).create().unwrap();
        assert_eq!(read_only.mmap().unwrap().load_u64(3 * PAGE + 8), 7, "{}", kind.name);
    }
}

#[test]
fn some_of_it() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        for (first, pages) in [(0, 1), (1, 2), (2, 5), (PAGES - 1, 1)] {
            let map = sample.memory.map().offset(bytes_of(first)).length(bytes_of(pages)).create();
            let (map, what) = (map.unwrap(), format!("{}, {pages} from {first}", kind.name));
            let mapping = map.mmap().unwrap();
            assert_eq!(mapping.len(), pages * PAGE, "{what}");
            assert_eq!(map.info().unwrap().offset, bytes_of(first), "{what}");
            for page in 0..pages {
                assert_eq!(mapping.load_u64(page * PAGE), TAG + (first + page) as u64, "{what}");
            }
        }
        for (offset, length) in [(PAGES, 0), (PAGES, 1), (0, PAGES + 1), (PAGES - 1, 2)] {
            let refused =
                sample.memory.map().offset(bytes_of(offset)).length(bytes_of(length)).create();
            assert_eq!(refused.unwrap_err().errno(), Errno::RANGE, "{}", kind.name);
        }
    }
}

#[test]
fn physical_segments_are_all_of_it() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        let mut offset = 0;
        while offset < bytes_of(PAGES) {
            let segment = map.physical_segment(offset).unwrap();
            assert_eq!(segment.address % PAGE as u64, 0, "{}", kind.name);
            offset += segment.length;
        }
        assert_eq!(offset, bytes_of(PAGES), "{}", kind.name);
    }
    let memory = painted(PAGES, TAG);
    let sub = memory.sub(PAGE as u64 + 3, 10, Access::ReadWrite).unwrap();
    let [of_sub, of_memory] = [&sub, &memory].map(unique);
    let segment = of_sub.physical_segment(2).unwrap();
    let same = of_memory.physical_segment(PAGE as u64 + 5).unwrap();
    assert_eq!((segment.address, segment.length), (same.address, 8));
}

#[test]
fn a_sub_shows_its_part_of_the_parent() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let sub = sample.memory.sub(bytes_of(2), bytes_of(4), Access::ReadWrite).unwrap();
        assert_painted(&sub, TAG + 2);
        window(&sub).store_u64(PAGE, 9);
        assert_eq!(window(&sample.memory).load_u64(3 * PAGE), 9, "{}", kind.name);
    }
}
