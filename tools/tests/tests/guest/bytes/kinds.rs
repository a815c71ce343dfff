// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bytes of memory of every kind, wherever in its pages they lie.

use iomd::{Access, Errno, Purgeable};

use super::{edges, pattern, read};
use crate::kinds::{KINDS, PAGES};
use crate::support::{PAGE, buffer, client, painted, window};

const TAG: u64 = 0x0100;

#[test]
fn they_are_read_and_written_as_through_a_map() {
    let bytes = pattern(PAGES * PAGE);
    for kind in &KINDS {
        let memory = (kind.painted)(TAG).memory;
        let window = window(&memory);
        window.write_bytes(0, &bytes);
        for (offset, length) in edges(PAGES) {
            let seen = read(&memory, offset, length);
            assert_eq!(seen, bytes[offset..offset + length], "{}, from {offset} on", kind.name);
        }
        for (offset, length) in [(1, 2 * PAGE), (3 * PAGE - 5, 10), (PAGES * PAGE - 7, 7)] {
            let new = vec![0xee; length];
            assert_eq!(memory.write_bytes(offset as u64, &new).unwrap(), length, "{}", kind.name);
            let mut seen = vec![0; length + 2];
            let from = offset.saturating_sub(1).min(PAGES * PAGE - length - 2);
            window.read_bytes(from, &mut seen);
            let mut expected = bytes[from..from + length + 2].to_vec();
            expected[offset - from..][..length].fill(0xee);
            assert_eq!(seen, expected, "{}, from {offset} on", kind.name);
            window.write_bytes(0, &bytes);
        }
        memory.perform_operation(iomd::Operation::Flush, 1, 0).unwrap();
    }
}

#[test]
fn bytes_that_begin_and_end_anywhere_follow_one_another() {
    let memory = buffer(4);
    let bytes = pattern(4 * PAGE);
    assert_eq!(memory.write_bytes(0, &bytes).unwrap(), bytes.len());
    let sub = |from: usize, length: usize| {
        memory.sub(from as u64, length as u64, Access::ReadWrite).unwrap()
    };
    let parts = [sub(5, 100), sub(PAGE - 3, PAGE + 7), sub(3 * PAGE + 1, 1)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let ranges = [5..105, PAGE - 3..2 * PAGE + 4, 3 * PAGE + 1..3 * PAGE + 2];
    let expected: Vec<_> = ranges.iter().flat_map(|range| bytes[range.clone()].to_vec()).collect();
    assert_eq!(multi.info().unwrap().length as usize, expected.len());
    assert_eq!(read(&multi, 0, expected.len()), expected);
    assert_eq!(read(&multi, 99, 4), expected[99..103]);

    let new: Vec<_> = expected.iter().map(|byte| !byte).collect();
    assert_eq!(multi.write_bytes(0, &new).unwrap(), new.len());
    let mut seen = bytes;
    ranges.iter().flat_map(Clone::clone).for_each(|at| seen[at] = !seen[at]);
    assert_eq!(read(&memory, 0, 4 * PAGE), seen, "and nothing beside them");

    // Single accesses count from the map's first byte.
    let map = parts[1].map().in_kernel(true).create().unwrap();
    assert_eq!(map.mapped_read_u8(0).unwrap(), seen[PAGE - 3]);
    assert_eq!(map.mapped_read_u16(3).unwrap().to_ne_bytes(), seen[PAGE..PAGE + 2]);
    assert_eq!(map.mapped_read_u16(2).unwrap_err().errno(), Errno::INVAL, "in two pages");
    assert_eq!(map.mapped_read_u8(PAGE as u64 + 7).unwrap_err().errno(), Errno::RANGE);
    map.mapped_write_u8(PAGE as u64 + 6, 7).unwrap();
    assert_eq!(read(&memory, 2 * PAGE + 3, 2), [7, seen[2 * PAGE + 4]]);
}

#[test]
fn maps_in_the_kernel_show_every_kind() {
    for kind in &KINDS {
        let memory = (kind.painted)(TAG).memory;
        let map = memory.map().unique(true).in_kernel(true).create().unwrap();
        for page in 0..PAGES as u64 {
            assert_eq!(
                map.mapped_read_u64(page * PAGE as u64).unwrap(),
                TAG + page,
                "{}",
                kind.name
            );
        }
        map.mapped_write_u64(8, 7).unwrap();
        assert_eq!(window(&memory).load_u64(8), 7, "{}", kind.name);
        map.redirect(&painted(PAGES, 2 * TAG)).run().unwrap();
        assert_eq!(map.mapped_read_u64(0).unwrap(), 2 * TAG, "{}", kind.name);
    }
}

#[test]
fn only_what_may_be_written_is() {
    let memory = painted(2, TAG);
    let read_only = memory.sub(0, PAGE as u64, Access::ReadOnly).unwrap();
    assert_eq!(read_only.write_bytes(0, &[7]).unwrap_err().errno(), Errno::ACCESS);
    assert_eq!(read(&read_only, 0, 8), TAG.to_ne_bytes());
    for kind in KINDS.iter().filter(|kind| !kind.name.contains("buffer")) {
        let memory = (kind.painted)(TAG).memory;
        assert_eq!(memory.set_length(5).unwrap_err().errno(), Errno::OPNOTSUPP, "{}", kind.name);
    }
}

#[test]
fn a_guard_has_no_bytes() {
    let parts = [painted(1, TAG), client().guard(PAGE as u64).unwrap()];
    assert_eq!(parts[1].read_bytes(0, &mut [0]).unwrap_err().errno(), Errno::NODATA);
    assert_eq!(parts[1].write_bytes(0, &[7]).unwrap_err().errno(), Errno::NODATA);
    let multi = client().multi(&parts.each_ref()).unwrap();
    let mut bytes = [0xa5; 2 * PAGE];
    assert_eq!(multi.read_bytes(0, &mut bytes).unwrap(), PAGE, "those before it");
    assert_eq!(multi.write_bytes(1, &bytes[..PAGE]).unwrap(), PAGE - 1);
    let map = multi.map().in_kernel(true).create().unwrap();
    assert_eq!(map.mapped_read_u8(PAGE as u64).unwrap_err().errno(), Errno::NODATA);
}

#[test]
fn a_preparation_is_that_of_the_part_that_came_last() {
    let parts = [painted(1, TAG), painted(1, TAG)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let preparation = || multi.info().unwrap().preparation;
    let first = preparation();
    assert!(first.is_some());
    for part in &parts {
        let before = preparation();
        part.set_purgeable(Purgeable::Empty).unwrap();
        assert_eq!(preparation(), None);
        part.set_purgeable(Purgeable::NonVolatile).unwrap();
        assert!(preparation() > before);
    }
    let counts = multi.page_counts().unwrap();
    assert_eq!((counts.resident, counts.dirty), (2, 2));
}
