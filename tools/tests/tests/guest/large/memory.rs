// SPDX-License-Identifier: MIT OR Apache-2.0

//! How memory comes in pieces, and who pays for it.

use iomd::{BufferFlags, Client, Descriptor, Errno, Purgeable};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{NEW, OLD, PIECE, large, made};
use crate::support::privileges::become_user;
use crate::support::wiped::assert_wiped;
use crate::support::{Child, PAGE, assert_painted, client, painted, unique, window};

const SPARSE: BufferFlags = BufferFlags::LARGE.union(BufferFlags::SPARSE);

fn resident(memory: &Descriptor) -> usize {
    memory.info().unwrap().resident as usize / PAGE
}

/// How many pages follow one another in physical memory from that one on.
fn together(memory: &Descriptor, page: usize) -> usize {
    let map = memory.map().create().unwrap();
    map.physical_segment((page * PAGE) as u64).unwrap().length as usize / PAGE
}

#[track_caller]
fn assert_piece(memory: &Descriptor, page: usize) {
    let map = memory.map().create().unwrap();
    let segment = map.physical_segment((page * PAGE) as u64).unwrap();
    assert_eq!(segment.address % (PIECE * PAGE) as u64, 0, "page {page} begins a piece");
    assert!(together(memory, page) >= PIECE, "page {page} begins a piece");
}

#[test]
fn pieces_are_where_they_fit() {
    let memory = large(2 * PIECE + 3, OLD);
    assert_eq!(resident(&memory), 2 * PIECE + 3);
    assert_piece(&memory, 0);
    assert_piece(&memory, PIECE);
    assert_painted(&memory, OLD);
    let small = large(PIECE - 1, OLD);
    assert_eq!(resident(&small), PIECE - 1);
    assert_painted(&small, OLD);
}

#[test]
fn they_are_zeros_whatever_was_there_before() {
    let length = (2 * PIECE * PAGE) as u64;
    let of = |flags| window(&client().buffer_with(length, flags).unwrap()).into();
    assert_wiped(|| of(BufferFlags::LARGE));
    assert_wiped(|| of(SPARSE));
}

#[test]
fn a_first_touch_brings_a_piece() {
    let memory = made(2 * PIECE + 100, SPARSE);
    let mapping = window(&memory);
    mapping.store_u64((PIECE + 200) * PAGE, 7);
    assert_eq!(resident(&memory), PIECE);
    assert_piece(&memory, PIECE);
    assert_eq!(mapping.load_u64(PIECE * PAGE), 0);
    // After the last piece there is no room for one.
    mapping.store_u64((2 * PIECE + 5) * PAGE, 7);
    assert_eq!(resident(&memory), PIECE + 1);
    mapping.load_u64(0);
    assert_eq!(resident(&memory), 2 * PIECE + 1);
}

/// Does something as a user who may lock so many pages and has nothing yet.
fn limited(user: u32, pages: usize, work: impl FnOnce(&Client)) {
    let client = client();
    let child = Child::fork(|_| {
        let bytes = Some((pages * PAGE) as u64);
        setrlimit(Resource::Memlock, Rlimit { current: bytes, maximum: bytes }).unwrap();
        become_user(user);
        work(&client);
    });
    child.succeed();
}

#[test]
fn where_a_piece_is_too_much_there_are_pages() {
    limited(5601, PIECE + 2, |client| {
        let memory = client.buffer_with((2 * PIECE * PAGE) as u64, SPARSE).unwrap();
        let mapping = window(&memory);
        mapping.store_u64(0, 7);
        assert_eq!(resident(&memory), PIECE);
        mapping.store_u64((PIECE + 100) * PAGE, 8);
        assert_eq!(resident(&memory), PIECE + 1);
        mapping.store_u64((PIECE + 500) * PAGE, 9);
        assert_eq!(resident(&memory), PIECE + 2);
        let words = [0, PIECE + 100, PIECE + 500].map(|page| mapping.load_u64(page * PAGE));
        assert_eq!(words, [7, 8, 9]);
        // All of it is paid for, and given back with it.
        let more = client.buffer(1).map_err(|error| error.errno());
        assert_eq!(more.map(drop), Err(Errno::NOMEM));
        drop((memory, mapping));
        client.buffer_with(((PIECE + 2) * PAGE) as u64, BufferFlags::LARGE).unwrap();
    });
}

#[test]
fn a_piece_is_charged_by_its_pages() {
    limited(5602, 2 * PIECE, |client| {
        let make = |pages| client.buffer_with((pages * PAGE) as u64, BufferFlags::LARGE);
        assert_eq!(make(2 * PIECE + 1).map_err(|error| error.errno()).map(drop), Err(Errno::NOMEM));
        let most = make(2 * PIECE).unwrap();
        assert_eq!(client.buffer(1).map_err(|error| error.errno()).map(drop), Err(Errno::NOMEM));
        drop(most);
        make(2 * PIECE).unwrap();
    });
}

#[test]
fn it_is_copied() {
    let (memory, plain) = (large(PIECE + 7, OLD), painted(PIECE + 7, NEW));
    memory.copy_to(&plain).run().unwrap();
    assert_painted(&plain, OLD);
    let sparse = made(PIECE + 7, SPARSE);
    plain.copy_to(&sparse).run().unwrap();
    assert_painted(&sparse, OLD);
    let other = large(PIECE + 7, NEW);
    sparse.copy_to(&other).run().unwrap();
    assert_painted(&other, OLD);
}

#[test]
fn it_is_taken_and_given_back_as_pieces() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    assert_eq!(mapping.load_u64(PAGE), OLD + 1);
    memory.set_purgeable(Purgeable::Empty).unwrap();
    assert_eq!(resident(&memory), 0);
    memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    assert_piece(&memory, 0);
    assert_eq!(mapping.load_u64(PAGE), 0);
}
