// SPDX-License-Identifier: MIT OR Apache-2.0

//! IOMemoryDescriptor::performOperation and IOFlushProcessorCache.
//!
//! What an instruction does to a cache cannot be seen from a program, and an emulated processor has none.
//! What can be seen is what is refused, that the memory stays as it is, and that no page comes.

use iomd::{CacheMode, Descriptor, Errno, Operation, Purgeable, Task};
use rustix::process::Signal;

use crate::support::{
    Child, End, PAGE, Region, assert_painted, await_waiters, buffer, client, open_files, painted,
    unique, window,
};

const OLD: u64 = 0x0100;
const END: u64 = 3 * PAGE as u64;

fn errno<T>(result: iomd::Result<T>) -> Result<(), Errno> {
    result.map(drop).map_err(|error| error.errno())
}

#[test]
fn both_operations_leave_the_memory_as_it_is() {
    let memory = painted(3, OLD);
    let read_only = memory.read_only().unwrap();
    for operation in [Operation::Flush, Operation::Store] {
        for (offset, length) in
            [(0, 0), (0, END), (1, 1), (PAGE as u64 - 1, 2), (PAGE as u64 + 5, 0), (END - 1, 1)]
        {
            memory.perform_operation(operation, offset, length).unwrap();
            // It is no more than everybody may do who can read it.
            read_only.perform_operation(operation, offset, length).unwrap();
        }
    }
    assert_painted(&memory, OLD);
}

#[test]
fn operations_that_there_are_not_and_ranges_beyond_the_end_are_refused() {
    let memory = painted(3, OLD);
    for number in [0, 3, 4, 1 << 31, u32::MAX] {
        let outcome = errno(memory.perform_operation(Operation::Other(number), 0, 0));
        assert_eq!(outcome, Err(Errno::OPNOTSUPP), "{number}");
    }
    for operation in [Operation::Flush, Operation::Store] {
        let outcome = |offset, length| errno(memory.perform_operation(operation, offset, length));
        for (offset, length) in [(0, END + 1), (END, 1), (END + 1, 0), (END - 1, 2), (1 << 40, 1)] {
            assert_eq!(outcome(offset, length), Err(Errno::RANGE), "{length} from {offset}");
        }
        for (offset, length) in [(1, u64::MAX), (u64::MAX, 1)] {
            assert_eq!(outcome(offset, length), Err(Errno::OVERFLOW), "{length} from {offset}");
        }
    }
    memory.set_purgeable(Purgeable::Empty).unwrap();
    let outcome = errno(memory.perform_operation(Operation::Flush, 0, 0));
    assert_eq!(outcome, Err(Errno::NODATA));
}

#[test]
fn what_has_no_memory_gets_none() {
    let memory = client().sparse_buffer(END).unwrap();
    window(&memory).store_u64(PAGE, 7);
    for operation in [Operation::Flush, Operation::Store] {
        memory.perform_operation(operation, 0, 0).unwrap();
    }
    let mapping = memory.map().create().unwrap().mmap().unwrap();
    let task = client().own_task().unwrap();
    task.flush_processor_cache(mapping.as_ptr() as u64, END).unwrap();
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    assert_eq!(window(&memory).load_u64(PAGE), 7);
}

/// Flushes a part of what is mapped somewhere.
fn flush(task: &Task, region: Region, from: usize, length: usize) -> Result<(), Errno> {
    errno(task.flush_processor_cache((region.address() + from) as u64, length as u64))
}

#[test]
fn a_task_s_memory_of_every_kind_is_flushed() {
    let task = client().own_task().unwrap();
    let anonymous = Region::reserve(3);
    anonymous.unmap().unwrap();
    anonymous.fill().unwrap();
    anonymous.write(PAGE, OLD);
    let mut regions = vec![anonymous];
    for mode in client().features().unwrap().cache_modes {
        let memory = painted_in(mode);
        regions.push(
            memory.map().cache_mode(mode).keep(true).create().unwrap().mmap().unwrap().into(),
        );
    }
    for region in regions {
        let word = region.read(PAGE);
        for (from, length) in
            [(0, 3 * PAGE), (1, 1), (PAGE - 1, 2), (PAGE + 3, 0), (3 * PAGE - 1, 1)]
        {
            assert_eq!(flush(&task, region, from, length), Ok(()), "{length} from {from}");
        }
        assert_eq!(region.read(PAGE), word);
        region.unmap().unwrap();
    }
}

fn painted_in(mode: CacheMode) -> Descriptor {
    let memory = buffer(3);
    let map = memory.map().cache_mode(mode).create().unwrap();
    map.mmap().unwrap().store_u64(PAGE, OLD);
    memory
}

#[test]
fn what_is_not_mapped_is_refused() {
    let task = client().own_task().unwrap();
    let region = Region::reserve(3);
    region.pages(1..2).unmap().unwrap();
    // What is reserved is mapped, and has nothing in any cache.
    assert_eq!(flush(&task, region, 0, PAGE), Ok(()));
    for (from, length) in [(0, PAGE + 1), (PAGE, 1), (PAGE + 5, PAGE), (0, 3 * PAGE)] {
        assert_eq!(flush(&task, region, from, length), Err(Errno::FAULT), "{length} from {from}");
    }
    let outcome = |address, length| errno(task.flush_processor_cache(address, length));
    assert_eq!(outcome(0, 1), Err(Errno::FAULT));
    assert_eq!(outcome(0xffff_8880_0010_0000, 8), Err(Errno::FAULT), "the kernel's memory");
    assert_eq!(outcome(u64::MAX, 1), Err(Errno::OVERFLOW));
    assert_eq!(outcome(1, u64::MAX), Err(Errno::OVERFLOW));
    assert_eq!(outcome(0, 0), Ok(()), "nothing is everywhere");
    region.unmap().unwrap();
}

#[test]
fn another_task_s_memory_is_flushed_until_it_is_dead() {
    let files = open_files();
    let memory = painted(2, OLD);
    let map = unique(&memory);
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        region.read(0);
        parent.say(region.address() as u64);
        parent.send(client().own_task().unwrap());
        parent.listen();
    });
    let address = child.hear();
    let task: Task = child.receive();
    task.flush_processor_cache(address, 2 * PAGE as u64).unwrap();
    // Nobody waits for what is suspended, and it stays so.
    map.suspend().unwrap();
    task.flush_processor_cache(address, 2 * PAGE as u64).unwrap();
    await_waiters(&map, 0);
    map.resume().unwrap();
    // Nothing is held by it any more.
    map.redirect(&painted(2, OLD)).refuse_pinned(true).run().unwrap();
    map.unmap().unwrap();
    task.flush_processor_cache(address, 2 * PAGE as u64).unwrap();

    assert_eq!(child.kill(), End::Killed(Signal::KILL));
    assert_eq!(errno(task.flush_processor_cache(address, 1)), Err(Errno::SRCH));
    drop((task, map, memory));
    assert_eq!(open_files(), files);
}

#[test]
fn who_is_killed_stops() {
    // Pages that are not there, more than could be looked at.
    let memory = client().sparse_buffer(1 << 46).unwrap();
    for number in 0..3 {
        let child = Child::fork(|parent| {
            let task = client().own_task().unwrap();
            let map = memory.map().create().unwrap();
            let mapping = map.mmap().unwrap();
            parent.say(0);
            let outcome = match number {
                0 => memory.perform_operation(Operation::Flush, 0, 0),
                1 => memory.perform_operation(Operation::Store, 0, 0),
                _ => task.flush_processor_cache(mapping.as_ptr() as u64, 1 << 46),
            };
            parent.say_outcome(outcome.map(|()| 0).map_err(|error| error.errno()));
        });
        child.hear();
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
    }
}
