// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a task may only read nobody writes, and what a descriptor is for reading stays so.

use iomd::{Access, AddressRange, Direction, Errno};
use iomd_sys::{
    IOMD_ADDRESS_RANGES_CREATE, IOMD_ADDRESS_RANGES_MAX, IOMD_DIRECTION_OUT, iomd_address_range,
    iomd_address_ranges_create,
};
use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

use super::{descriptor, leaves_no_pin, memory, own_task, painted_memory, range};
use crate::support::raw::{refused, size};
use crate::support::{PAGE, Region, buffer, client, unique, window};

const PAGES: usize = 3;
const TAG: u64 = 0x0b00;

#[test]
fn a_descriptor_for_reading_is_read_only_in_every_way() {
    let source = painted_memory(PAGES, TAG);
    leaves_no_pin(|| {
        let memory = descriptor(source, Direction::Out);
        let id = memory.id().unwrap();
        let again = client().open_descriptor(id, Access::ReadWrite).unwrap();
        let reopened = memory.reopen(Access::ReadWrite).unwrap();
        let same = memory.persistent().unwrap();
        for memory in [&memory, &again, &reopened, &same] {
            assert!(memory.info().unwrap().read_only);
            let refused = memory.map().create().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS);
            let map = unique(&buffer(PAGES));
            let refused = map.redirect(memory).run().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS);
            let refused = buffer(PAGES).copy_to(memory).run().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS);
            let map = memory.map().read_only(true).create().unwrap();
            let mapped = map.mmap().unwrap();
            assert_eq!(mapped.load_u64(PAGE), TAG + 1);
            let region = Region::from(&mapped);
            let rights = MprotectFlags::READ | MprotectFlags::WRITE;
            assert_eq!(region.protect(rights), Err(Errno::ACCESS));
        }
    });
    source.unmap().unwrap();
}

#[test]
fn what_the_task_may_not_write_is_not_pinned_for_writing() {
    let file = memfd_create("read-only", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, PAGE as u64).unwrap();
    rustix::io::pwrite(&file, &TAG.to_ne_bytes(), 0).unwrap();
    let read_only = |flags| Region::map(&file, 0, PAGE, ProtFlags::READ, flags).unwrap();
    let protected = painted_memory(1, TAG);
    protected.protect(MprotectFlags::READ).unwrap();
    leaves_no_pin(|| {
        for source in [protected, read_only(MapFlags::SHARED), read_only(MapFlags::PRIVATE)] {
            for direction in [Direction::In, Direction::InOut] {
                let memory = descriptor(source, direction);
                assert_eq!(memory.prepare(None).unwrap_err().errno(), Errno::FAULT);
                let map = memory.map().read_only(true).create();
                assert_eq!(map.unwrap_err().errno(), Errno::FAULT);
                // It says itself what it is for.
                memory.prepare(Some(Direction::Out)).unwrap();
            }
            let memory = descriptor(source, Direction::Out);
            let map = memory.map().read_only(true).create().unwrap();
            assert_eq!(map.mmap().unwrap().load_u64(0), TAG);
            source.unmap().unwrap();
        }
    });
}

/// The task gave up its right to write after the pages were pinned: as with any pin, they stay.
#[test]
fn a_right_is_looked_at_when_pages_are_pinned() {
    let source = painted_memory(PAGES, TAG);
    leaves_no_pin(|| {
        let memory = descriptor(source, Direction::InOut);
        memory.prepare(None).unwrap();
        source.protect(MprotectFlags::READ).unwrap();
        let mapped = window(&memory);
        mapped.store_u64(0, 1);
        assert_eq!(source.read(0), 1);
        drop(mapped);
        memory.complete().unwrap();
        assert_eq!(memory.prepare(None).unwrap_err().errno(), Errno::FAULT);
    });
    source.unmap().unwrap();
}

#[test]
fn ranges_are_some_and_not_too_many() {
    let (client, task) = (client(), own_task());
    let source = range(memory(1));
    let make = |ranges: &[AddressRange]| {
        client.address_ranges(&task, ranges, Direction::Out).map_err(|error| error.errno())
    };
    let long = |address, length| [source, AddressRange { address, length }];
    assert_eq!(make(&[]).unwrap_err(), Errno::INVAL);
    assert_eq!(make(&long(source.address, 0)).unwrap_err(), Errno::INVAL);
    assert_eq!(make(&long(u64::MAX, 2)).unwrap_err(), Errno::OVERFLOW);
    assert_eq!(make(&long(1, u64::MAX)).unwrap_err(), Errno::OVERFLOW);
    let many = vec![source; IOMD_ADDRESS_RANGES_MAX as usize + 1];
    assert_eq!(make(&many).unwrap_err(), Errno::INVAL);
    let most = make(&many[1..]).unwrap();
    let length = source.length * u64::from(IOMD_ADDRESS_RANGES_MAX);
    assert_eq!(most.info().unwrap().length, length);
}

#[test]
fn a_wrong_argument_makes_nothing() {
    let (client, task) = (client(), own_task());
    let source = range(memory(1));
    let entry = iomd_address_range { address: source.address, length: source.length };
    let argument = iomd_address_ranges_create {
        size: size::<iomd_address_ranges_create>(),
        ranges: (&raw const entry).expose_provenance() as u64,
        count: 1,
        direction: IOMD_DIRECTION_OUT,
        task: task.as_fd().as_raw_fd(),
        ..Default::default()
    };
    let refused = |argument| refused(&client, IOMD_ADDRESS_RANGES_CREATE, argument);
    for direction in [0, 4, 7] {
        let wrong = iomd_address_ranges_create { direction, ..argument };
        assert_eq!(refused(wrong), Errno::INVAL, "direction {direction}");
    }
    for ranges in [0, 8, u64::MAX - 8] {
        let wrong = iomd_address_ranges_create { ranges, ..argument };
        assert_eq!(refused(wrong), Errno::FAULT, "ranges at {ranges:#x}");
    }
    let wrong = iomd_address_ranges_create { task: -1, ..argument };
    assert_eq!(refused(wrong), Errno::BADF);
    let wrong = iomd_address_ranges_create { task: client.as_fd().as_raw_fd(), ..argument };
    assert_eq!(refused(wrong), Errno::INVAL);
}
