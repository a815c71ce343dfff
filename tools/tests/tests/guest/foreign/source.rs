// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is shown is the very memory of the task: both see what either writes.

use iomd::Direction;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags};

use super::{descriptor, leaves_no_pin, memory, painted_memory};
use crate::support::{Child, PAGE, Region, client, unique, window};

const PAGES: usize = 4;
const TAG: u64 = 0x0700;

#[test]
fn task_and_map_see_what_either_writes() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        let map = unique(&descriptor(source, Direction::InOut));
        let mapped = map.mmap().unwrap();
        for page in 0..PAGES {
            let at = page * PAGE;
            assert_eq!(mapped.load_u64(at), TAG + page as u64);
            mapped.store_u64(at, 1);
            assert_eq!(source.read(at), 1);
            source.write(at + 8, 2);
            assert_eq!(mapped.load_u64(at + 8), 2);
        }
        source.unmap().unwrap();
    });
}

/// Memory that was never touched, private and shared.
#[test]
fn untouched_memory_is_there_for_both() {
    let file = memfd_create("untouched", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, (PAGES * PAGE) as u64).unwrap();
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    let map_file = |flags| Region::map(&file, 0, PAGES * PAGE, rights, flags).unwrap();
    for source in [memory(PAGES), map_file(MapFlags::PRIVATE), map_file(MapFlags::SHARED)] {
        leaves_no_pin(|| {
            for (direction, word) in [(Direction::Out, 1), (Direction::InOut, 2)] {
                let memory = descriptor(source, direction);
                let map = memory.map().read_only(true).create().unwrap();
                let seen = map.mmap().unwrap();
                source.write(PAGE, word);
                assert_eq!(seen.load_u64(PAGE), word, "{direction}");
                assert_eq!(seen.load_u64(0), 0);
            }
        });
        source.unmap().unwrap();
    }
}

/// Pages that a parent and a child would copy when one of them writes.
#[test]
fn a_fork_takes_the_memory_from_neither() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        // Before the pages are pinned, and after.
        let before = reader(source);
        let map = unique(&descriptor(source, Direction::InOut));
        let mapped = map.mmap().unwrap();
        let after = reader(source);
        for page in 0..PAGES {
            mapped.store_u64(page * PAGE, 1);
            source.write(page * PAGE + 8, 2);
        }
        for page in 0..PAGES {
            assert_eq!(source.read(page * PAGE), 1);
            assert_eq!(mapped.load_u64(page * PAGE + 8), 2);
            for child in [&before, &after] {
                child.say((page * PAGE) as u64);
                assert_eq!(child.hear(), TAG + page as u64, "the child has its own");
            }
        }
        source.unmap().unwrap();
    });
}

/// A child that says what is in its copy of a region.
fn reader(source: Region) -> Child {
    Child::fork(|parent| {
        while let Some(offset) = parent.listen() {
            parent.say(source.read(offset as usize));
        }
    })
}

/// What is written through a map is not lost when the kernel writes memory out, or reads it again.
#[test]
fn what_is_written_through_a_map_reaches_the_file() {
    let file = memfd_create("written", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, (PAGES * PAGE) as u64).unwrap();
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    leaves_no_pin(|| {
        let source = Region::map(&file, 0, PAGES * PAGE, rights, MapFlags::SHARED).unwrap();
        let map = unique(&descriptor(source, Direction::InOut));
        source.unmap().unwrap();
        map.mmap().unwrap().store_u64(PAGE, TAG);
    });
    let again = Region::map(&file, 0, PAGES * PAGE, rights, MapFlags::SHARED).unwrap();
    again.advise(rustix::mm::Advice::LinuxPageOut).unwrap();
    assert_eq!(again.read(PAGE), TAG);
    again.unmap().unwrap();
}

#[test]
fn memory_of_another_process_is_shown_too() {
    leaves_no_pin(|| {
        let source = Child::fork(|parent| {
            let source = painted_memory(PAGES, TAG);
            parent.send(client().own_task().unwrap());
            parent.say(source.address() as u64);
            while let Some(offset) = parent.listen() {
                parent.say(source.read(offset as usize));
            }
        });
        let task: iomd::Task = source.receive();
        let range = iomd::AddressRange { address: source.hear(), length: (PAGES * PAGE) as u64 };
        let memory = client().address_range(&task, range, Direction::InOut).unwrap();
        let mapped = window(&memory);
        assert_eq!(mapped.load_u64(PAGE), TAG + 1);
        mapped.store_u64(PAGE, 1);
        source.say(PAGE as u64);
        assert_eq!(source.hear(), 1);
        drop((mapped, memory));
        source.kill();
    });
}
