// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a map is in physical memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use iomd::{Errno, Map, Segment};
use rustix::thread::CapabilitySet;

use crate::support::privileges::give_up;
use crate::support::{Child, PAGE, Region, client, painted, unique};

const TAG: u64 = 0x0100;

/// Where the kernel says that a page of this process is.
fn frame(address: usize) -> u64 {
    let mut entry = [0; 8];
    let pages = File::open("/proc/self/pagemap").unwrap();
    pages.read_exact_at(&mut entry, (address / PAGE * 8) as u64).unwrap();
    let entry = u64::from_ne_bytes(entry);
    assert_eq!(entry >> 63, 1, "the page is present");
    (entry & ((1 << 55) - 1)) * PAGE as u64
}

/// All segments of a map.
fn segments(map: &Map) -> Vec<(u64, Segment)> {
    let length = map.info().unwrap().length;
    let mut found = Vec::new();
    let mut offset = 0;
    while offset < length {
        let segment = map.physical_segment(offset).unwrap();
        assert!(segment.length > 0);
        found.push((offset, segment));
        offset += segment.length;
    }
    assert_eq!(offset, length, "clipped to the map");
    found
}

#[track_caller]
fn assert_located(map: &Map) {
    let region = Region::from(map.mmap().unwrap());
    for (offset, segment) in segments(map) {
        for at in (offset..offset + segment.length).step_by(PAGE) {
            let address = region.address() + at as usize;
            region.read(at as usize / 8 * 8);
            let expected = frame(address) + at % PAGE as u64;
            assert_eq!(segment.address + (at - offset), expected, "byte {at}");
        }
    }
    region.unmap().unwrap();
}

#[test]
fn segments_cover_the_map() {
    let memory = painted(50, TAG);
    assert_located(&unique(&memory));
    let part = memory.map().offset(7 * PAGE as u64).length(30 * PAGE as u64 + 5).create().unwrap();
    assert_located(&part);
}

#[test]
fn they_are_those_of_the_memory_that_is_shown() {
    let map = unique(&painted(5, TAG));
    let before = segments(&map);
    map.redirect(&painted(5, 2 * TAG)).run().unwrap();
    assert_located(&map);
    let addresses = |segments: Vec<(u64, Segment)>| -> Vec<u64> {
        segments.iter().map(|(_, segment)| segment.address).collect()
    };
    assert!(!addresses(segments(&map)).iter().any(|new| addresses(before.clone()).contains(new)));
}

#[test]
fn an_offset_inside_a_page() {
    let map = unique(&painted(2, TAG));
    let page = map.physical_segment(0).unwrap();
    let inside = map.physical_segment(100).unwrap();
    assert_eq!(inside.address, page.address + 100);
    assert_eq!(inside.length, page.length - 100);
}

#[test]
fn what_is_refused() {
    let map = painted(2, TAG).map().length(PAGE as u64 + 1).create().unwrap();
    let refused = |map: &Map, offset| map.physical_segment(offset).unwrap_err().errno();
    let last = map.physical_segment(PAGE as u64).unwrap();
    assert_eq!(last.length, 1, "clipped to the bytes that were asked for");
    for offset in [PAGE as u64 + 1, 2 * PAGE as u64, u64::MAX] {
        assert_eq!(refused(&map, offset), Errno::RANGE, "{offset}");
    }
    let sparse = client().sparse_buffer(2 * PAGE as u64).unwrap();
    let empty = unique(&sparse);
    assert_eq!(refused(&empty, 0), Errno::NODATA);
    empty.mmap().unwrap().store_u64(0, 1);
    assert_eq!(empty.physical_segment(0).unwrap().length, PAGE as u64, "to where there is none");
    map.unmap().unwrap();
    assert_eq!(refused(&map, 0), Errno::NODEV);
}

#[test]
fn only_the_privileged_learn_it() {
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|_| {
        give_up(CapabilitySet::SYS_ADMIN);
        assert_eq!(map.physical_segment(0).unwrap_err().errno(), Errno::PERM);
    });
    child.succeed();
}
