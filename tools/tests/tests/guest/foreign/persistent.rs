// SPDX-License-Identifier: MIT OR Apache-2.0

//! The same memory is the same descriptor again; other memory in its place is another.

use iomd::{Descriptor, Direction, Errno};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::{descriptor, leaves_no_pin, painted_memory};
use crate::support::{PAGE, assert_painted, buffer, client, window};

const PAGES: usize = 3;
const TAG: u64 = 0x0f00;

fn id(memory: &Descriptor) -> u64 {
    memory.id().unwrap()
}

#[test]
fn memory_that_is_there_still_is_the_same_descriptor() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        let memory = descriptor(source, Direction::InOut);
        // Nothing is pinned that could be compared: it is whatever will be there.
        assert_eq!(id(&memory.persistent().unwrap()), id(&memory));
        memory.prepare(None).unwrap();
        let same = memory.persistent().unwrap();
        assert_eq!(id(&same), id(&memory));
        drop(memory);
        assert_painted(&same, TAG);
        source.unmap().unwrap();
    });
}

#[test]
fn other_memory_is_another_descriptor() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        let memory = descriptor(source, Direction::InOut);
        memory.prepare(None).unwrap();
        let page = source.pages(1..2);
        page.unmap().unwrap();
        assert_eq!(memory.persistent().unwrap_err().errno(), Errno::FAULT);
        page.fill().unwrap();
        page.write(0, 1);
        let other = memory.persistent().unwrap();
        assert_ne!(id(&other), id(&memory));
        assert_eq!(other.info().unwrap().direction, Direction::InOut);
        assert_painted(&memory, TAG);
        assert_eq!([0, 1, 2].map(|page| window(&other).load_u64(page * PAGE)), [TAG, 1, TAG + 2]);
        source.unmap().unwrap();
    });
}

#[test]
fn a_file_that_lost_pages_has_others() {
    leaves_no_pin(|| {
        let file = memfd_create("persistent", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, (PAGES * PAGE) as u64).unwrap();
        let memory = client().import_memfd(&file, 0, 0, Direction::InOut).unwrap();
        window(&memory).store_u64(PAGE, TAG);
        assert_eq!(id(&memory.persistent().unwrap()), id(&memory));
        ftruncate(&file, PAGE as u64).unwrap();
        assert_eq!(memory.persistent().unwrap_err().errno(), Errno::RANGE);
        ftruncate(&file, (PAGES * PAGE) as u64).unwrap();
        let other = memory.persistent().unwrap();
        assert_ne!(id(&other), id(&memory));
        assert_eq!(window(&other).load_u64(PAGE), 0);
        assert_eq!(window(&memory).load_u64(PAGE), TAG);
    });
}

#[test]
fn a_buffer_is_always_the_same() {
    let memory = buffer(1);
    assert_eq!(id(&memory.persistent().unwrap()), id(&memory));
}
