// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is together in physical memory.

use iomd::{BufferFlags, CacheMode, Client, Descriptor, Errno, Purgeable};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::support::privileges::become_user;
use crate::support::{
    Child, PAGE, Region, assert_painted, client, objects, paint, painted, unique, window,
};

const TAG: u64 = 0x1_0000;

/// The most that there can be together.
const MOST: usize = 1024;

fn make(client: &Client, pages: usize, others: BufferFlags) -> Result<Descriptor, Errno> {
    client
        .buffer_with((pages * PAGE) as u64, BufferFlags::CONTIGUOUS | others)
        .map_err(|error| error.errno())
}

fn contiguous(pages: usize) -> Descriptor {
    make(&client(), pages, BufferFlags::empty()).expect("a buffer is made")
}

/// Asserts that all of it is one segment.
#[track_caller]
fn assert_together(memory: &Descriptor) {
    let segment = memory.map().create().unwrap().physical_segment(0).unwrap();
    assert_eq!(segment.length, memory.info().unwrap().length);
}

#[test]
fn it_is_one_segment() {
    for pages in [1, 3, 512, 700, MOST] {
        let memory = contiguous(pages);
        assert_eq!(memory.info().unwrap().resident, (pages * PAGE) as u64);
        paint(&memory, TAG);
        assert_together(&memory);
        assert_painted(&memory, TAG);
    }
}

#[test]
fn it_is_zeros_whatever_was_there_before() {
    let before = client().buffer(32 << 20).unwrap();
    window(&before).write_bytes(0, &vec![!0; 32 << 20]);
    drop(before);
    for pages in [1, 5, 600, MOST] {
        let (memory, mut bytes) = (contiguous(pages), vec![1; pages * PAGE]);
        window(&memory).read_bytes(0, &mut bytes);
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
}

#[test]
fn more_than_there_can_be_together_is_refused() {
    let (client, before) = (client(), objects());
    for (pages, others, errno) in [
        (MOST + 1, BufferFlags::empty(), Errno::OPNOTSUPP),
        (1 << 40, BufferFlags::empty(), Errno::OPNOTSUPP),
        (1, BufferFlags::SPARSE, Errno::INVAL),
        (1, BufferFlags::LARGE, Errno::INVAL),
        (MOST + 1, BufferFlags::SPARSE | BufferFlags::LARGE, Errno::INVAL),
    ] {
        let refused = make(&client, pages, others);
        assert_eq!(refused.map(drop), Err(errno), "{pages} pages, {others:?}");
    }
    assert_eq!(objects(), before);
}

#[test]
fn it_is_charged_by_its_pages() {
    let client = client();
    let child = Child::fork(|_| {
        let bytes = Some((700 * PAGE) as u64);
        setrlimit(Resource::Memlock, Rlimit { current: bytes, maximum: bytes }).unwrap();
        become_user(5603);
        let none = BufferFlags::empty();
        assert_eq!(make(&client, 701, none).map(drop), Err(Errno::NOMEM));
        // What is allocated to find so many pages together, and given back, does not count.
        for _ in 0..20 {
            make(&client, 700, none).unwrap();
        }
    });
    child.succeed();
}

#[test]
fn it_stays_together() {
    let memory = contiguous(40);
    paint(&memory, TAG);
    let map = unique(&painted(40, 2 * TAG));
    let region = Region::from(map.mmap().unwrap());
    map.redirect(&memory).run().unwrap();
    assert_eq!(region.read(39 * PAGE), TAG + 39);
    painted(40, 3 * TAG).copy_to(&memory).run().unwrap();
    assert_painted(&memory, 3 * TAG);
    assert_together(&memory);
    memory.set_purgeable(Purgeable::Empty).unwrap();
    memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    assert_together(&memory);
    assert_eq!(region.read(39 * PAGE), 0);
    region.unmap().unwrap();
    drop(map);
    let combined = memory.map().cache_mode(CacheMode::WriteCombine).create().unwrap();
    combined.mmap().unwrap().store_u64(0, TAG);
    drop(combined);
    assert_eq!(window(&memory).load_u64(0), TAG);
}
