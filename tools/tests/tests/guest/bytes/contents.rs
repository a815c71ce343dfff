// SPDX-License-Identifier: MIT OR Apache-2.0

//! All bytes arrive where they belong, and no others change.

use rustix::process::Resource;
use rustix::process::{Rlimit, setrlimit};

use super::{edges, pattern, read};
use crate::support::privileges::become_user;
use crate::support::{Child, PAGE, buffer, client, window};

const PAGES: usize = 4;

#[test]
fn every_edge_is_read_as_through_a_map() {
    let memory = buffer(PAGES);
    let bytes = pattern(PAGES * PAGE);
    window(&memory).write_bytes(0, &bytes);
    for (offset, length) in edges(PAGES) {
        assert_eq!(read(&memory, offset, length), bytes[offset..offset + length], "{offset}");
    }
}

#[test]
fn every_edge_is_written_and_nothing_beside_it() {
    let memory = buffer(PAGES);
    let window = window(&memory);
    let bytes = pattern(PAGES * PAGE);
    for (offset, length) in edges(PAGES) {
        window.write_bytes(0, &[0xee; PAGES * PAGE]);
        let written = memory.write_bytes(offset as u64, &bytes[..length]).unwrap();
        assert_eq!(written, length);
        let mut expected = [0xee; PAGES * PAGE];
        expected[offset..offset + length].copy_from_slice(&bytes[..length]);
        let mut seen = [0; PAGES * PAGE];
        window.read_bytes(0, &mut seen);
        assert_eq!(seen, expected, "{length} bytes from {offset} on");
    }
}

#[test]
fn what_has_no_memory_reads_as_zeros_and_gets_none() {
    let memory = client().sparse_buffer((PAGES * PAGE) as u64).unwrap();
    assert_eq!(read(&memory, 5, 3 * PAGE), vec![0; 3 * PAGE]);
    assert_eq!(memory.info().unwrap().resident, 0);

    assert_eq!(memory.write_bytes(PAGE as u64 + 5, &[7; 2]).unwrap(), 2);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    let mut expected = vec![0; PAGES * PAGE];
    expected[PAGE + 5..PAGE + 7].fill(7);
    assert_eq!(read(&memory, 0, PAGES * PAGE), expected);

    // Across the end of a page two of them come.
    assert_eq!(memory.write_bytes(3 * PAGE as u64 - 1, &[7; 2]).unwrap(), 2);
    assert_eq!(memory.info().unwrap().resident, 3 * PAGE as u64);
}

#[test]
fn memory_that_comes_is_charged_and_its_limit_counts() {
    let client = client();
    let child = Child::fork(|_| {
        // Somebody who has nothing locked yet.
        become_user(4711);
        let two = Some(2 * PAGE as u64);
        setrlimit(Resource::Memlock, Rlimit { current: two, maximum: two }).unwrap();
        let memory = client.sparse_buffer((PAGES * PAGE) as u64).unwrap();
        let written = memory.write_bytes(1, &[7; 3 * PAGE]).unwrap();
        assert_eq!(written, 2 * PAGE - 1, "as much as there is memory for");
        let refused = memory.write_bytes(3 * PAGE as u64, &[7]).unwrap_err();
        assert_eq!(refused.errno(), iomd::Errno::NOMEM);
        assert_eq!(memory.info().unwrap().resident, 2 * PAGE as u64);
        assert_eq!(read(&memory, PAGE, 2 * PAGE)[PAGE - 1..PAGE + 1], [7, 0]);
    });
    child.succeed();
}

#[test]
fn every_cache_mode_is_read_and_written() {
    for mode in client().features().unwrap().cache_modes {
        let memory = buffer(2);
        let map = memory.map().cache_mode(mode).create().unwrap();
        let mapping = map.mmap().unwrap();
        assert_eq!(memory.write_bytes(PAGE as u64 - 4, &pattern(8)).unwrap(), 8);
        let mut seen = [0; 8];
        mapping.read_bytes(PAGE - 4, &mut seen);
        assert_eq!(seen[..], pattern(8));
        mapping.write_bytes(0, &[9; 3]);
        assert_eq!(read(&memory, 0, 4), [9, 9, 9, 0]);
    }
}
