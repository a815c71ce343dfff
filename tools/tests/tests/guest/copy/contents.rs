// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is in the target afterwards.

use iomd::Descriptor;

use super::{NEW, OLD};
use crate::support::{PAGE, User, assert_painted, buffer, client, painted, scaled, unique, window};

const PAGES: usize = 8;

fn bytes(pages: usize) -> u64 {
    (pages * PAGE) as u64
}

/// The first word of each page.
fn words(memory: &Descriptor) -> Vec<u64> {
    let window = window(memory);
    (0..window.len() / PAGE).map(|page| window.load_u64(page * PAGE)).collect()
}

/// Those of painted memory.
fn tags(tag: u64, pages: usize) -> Vec<u64> {
    (0..pages as u64).map(|page| tag + page).collect()
}

/// A sparse memory of which some pages are painted.
fn sparse(tag: u64, pages: &[usize]) -> Descriptor {
    let memory = client().sparse_buffer(bytes(PAGES)).unwrap();
    let window = window(&memory);
    for &page in pages {
        window.store_u64(page * PAGE, tag + page as u64);
    }
    assert_eq!(memory.info().unwrap().resident, bytes(pages.len()));
    memory
}

#[test]
fn every_byte_is_copied() {
    let (source, target) = (buffer(2), buffer(2));
    // Each is another than those around it, and than the one a page away.
    let pattern: Vec<u8> = (0..2 * PAGE).map(|at| (at % 251) as u8).collect();
    window(&source).write_bytes(0, &pattern);
    source.copy_to(&target).run().unwrap();
    let mut copy = vec![0; pattern.len()];
    window(&target).read_bytes(0, &mut copy);
    assert_eq!(copy, pattern);
    window(&source).read_bytes(0, &mut copy);
    assert_eq!(copy, pattern);
}

#[test]
fn a_range_goes_where_it_is_told_and_nowhere_else() {
    for (offset, length, target_offset, pages) in [
        (0, 0, 0, 8),
        (3, 0, 0, 5),
        (3, 0, 3, 5),
        (7, 0, 0, 1),
        (0, 8, 7, 1),
        (2, bytes(3), 4, 3),
        // Up to the middle of a page.
        (2, bytes(2) + 8, 4, 3),
        (0, bytes(8) - 1, 0, 8),
    ] {
        let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
        let copy = source.copy_to(&target).range(bytes(offset), length);
        copy.target_offset(bytes(target_offset)).run().unwrap();
        let mut expected = tags(NEW, PAGES);
        expected[target_offset..target_offset + pages]
            .copy_from_slice(&tags(OLD, PAGES)[offset..offset + pages]);
        assert_eq!(words(&target), expected, "{length} bytes from page {offset}");
        assert_painted(&source, OLD);
    }
}

#[test]
fn sizes_may_differ() {
    let (small, large) = (painted(2, OLD), painted(PAGES, NEW));
    small.copy_to(&large).target_offset(bytes(3)).run().unwrap();
    assert_eq!(words(&large)[2..6], [NEW + 2, OLD, OLD + 1, NEW + 5]);
    large.copy_to(&small).range(bytes(6), 0).run().unwrap();
    assert_eq!(words(&small), [NEW + 6, NEW + 7]);
}

#[test]
fn pages_that_never_came_are_copied_as_zeros() {
    // Pages that both have, that one has, that none has, at the ends and in the middle.
    let source = sparse(OLD, &[0, 1, 4]);
    let target = sparse(NEW, &[0, 2, 4, 7]);
    source.copy_to(&target).run().unwrap();
    let expected = [OLD, OLD + 1, 0, 0, OLD + 4, 0, 0, 0];
    assert_eq!(source.info().unwrap().resident, bytes(3), "nothing has come by being copied");
    let resident = target.info().unwrap().resident;
    assert_eq!(resident, bytes(5), "what is zeros on both sides needs no memory");
    assert_eq!(words(&target), expected);
}

#[test]
fn a_target_page_is_zeroed_to_its_end() {
    let source = sparse(OLD, &[]);
    let target = painted(PAGES, NEW);
    window(&target).write_bytes(0, &[0xff; 2 * PAGE]);
    source.copy_to(&target).range(0, bytes(1)).run().unwrap();
    let mut after = [0; 2 * PAGE];
    window(&target).read_bytes(0, &mut after);
    assert_eq!(after[..PAGE], [0; PAGE]);
    assert_eq!(after[PAGE..], [0xff; PAGE]);
}

#[test]
fn sparse_ranges_are_copied_as_others() {
    for (source, target) in [
        (painted(PAGES, OLD), sparse(NEW, &[0, 3])),
        (sparse(OLD, &[0, 1, 2, 3, 4, 5, 6, 7]), painted(PAGES, NEW)),
    ] {
        let before = words(&target);
        let copy = source.copy_to(&target).range(bytes(1), bytes(3)).target_offset(bytes(2));
        copy.run().unwrap();
        let mut expected = before;
        expected[2..5].copy_from_slice(&tags(OLD, PAGES)[1..4]);
        assert_eq!(words(&target), expected);
    }
}

#[test]
fn what_comes_first_while_it_is_copied_is_zeros_or_what_was_written() {
    // New pages come to a source all the time.
    let length = scaled(128).max(32) as usize;
    let source = client().sparse_buffer(bytes(length)).unwrap();
    let map = unique(&source);
    let writer = User::of(&map);
    for page in 0..length {
        writer.begin_write(page * PAGE, OLD + page as u64);
        let target = client().sparse_buffer(bytes(length)).unwrap();
        let copied = source.copy_to(&target).run();
        writer.finish();
        copied.unwrap();
        let copy = window(&target);
        for earlier in 0..page {
            assert_eq!(copy.load_u64(earlier * PAGE), OLD + earlier as u64);
        }
        let new = copy.load_u64(page * PAGE);
        assert!(new == 0 || new == OLD + page as u64, "{new:#x}");
    }
}

#[test]
fn a_memory_is_copied_within_itself() {
    let memory = painted(PAGES, OLD);
    let part = |first: usize, pages: usize| {
        memory.map().unique(true).offset(bytes(first)).length(bytes(pages)).create().unwrap()
    };
    let (source, target) = (part(0, 4), part(4, 4));
    // Neither is the target overlapped by being next to the source, in either direction.
    let copied = memory.copy_to(&memory).range(0, bytes(4)).target_offset(bytes(4)).run().unwrap();
    assert_eq!(copied.maps, 1, "the target's map goes on");
    let first = tags(OLD, 4);
    assert_eq!(words(&memory), [&first[..], &first[..]].concat());

    let user = User::of(&source);
    let copy = memory.copy_to(&memory).range(bytes(3), bytes(1)).target_offset(bytes(2));
    assert_eq!(copy.run().unwrap().maps, 1);
    assert_eq!(user.read(bytes(2) as usize), OLD + 3);
    let copy = memory.copy_to(&memory).range(0, bytes(4)).target_offset(bytes(4));
    copy.resume_on_target(true).run().unwrap();
    assert_eq!(source.info().unwrap().offset, bytes(4));
    user.write(8, 7);
    assert_eq!(target.mmap().unwrap().load_u64(8), 7);
}

#[test]
fn who_sees_the_target_sees_the_copy() {
    let (source, target) = (painted(2, OLD), painted(2, NEW));
    let map = unique(&target);
    let user = User::of(&map);
    assert_eq!(user.read(PAGE), NEW + 1);
    let copied = source.copy_to(&target).run().unwrap();
    assert_eq!(copied.maps, 0, "maps of the target are not suspended");
    assert_eq!(user.read(PAGE), OLD + 1);
}

#[test]
fn a_read_only_source_is_copied() {
    let (source, target) = (painted(2, OLD), painted(2, NEW));
    let map = unique(&source);
    assert_eq!(source.read_only().unwrap().copy_to(&target).run().unwrap().maps, 1);
    assert_painted(&target, OLD);
    assert!(!map.info().unwrap().suspended);
}
