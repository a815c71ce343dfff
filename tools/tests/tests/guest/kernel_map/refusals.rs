// SPDX-License-Identifier: MIT OR Apache-2.0

//! What maps in the kernel do not do.

use iomd::{Errno, Map, Purgeable};
use iomd_sys::{IOMD_MAPPED_READ, IOMD_MAPPED_WRITE, iomd_mapped_read, iomd_mapped_write};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{OLD, in_kernel};
use crate::support::privileges::become_user;
use crate::support::raw::{refused, size};
use crate::support::{Child, PAGE, assert_painted, client, open_files, painted, unique, window};

const END: u64 = 2 * PAGE as u64;

#[track_caller]
fn assert_refused(map: &Map, offset: u64, width: u32, errno: Errno) {
    let read =
        iomd_mapped_read { size: size::<iomd_mapped_read>(), offset, width, ..Default::default() };
    assert_eq!(refused(map, IOMD_MAPPED_READ, read), errno, "{width} bits at {offset}");
    let write = iomd_mapped_write {
        size: size::<iomd_mapped_write>(),
        offset,
        width,
        ..Default::default()
    };
    assert_eq!(refused(map, IOMD_MAPPED_WRITE, write), errno, "{width} bits at {offset}");
}

#[test]
fn widths_that_there_are_not_are_refused() {
    let memory = painted(2, OLD);
    let map = in_kernel(&memory);
    for width in [0, 1, 7, 9, 24, 63, 65, 128, 1 << 31, u32::MAX] {
        assert_refused(&map, 0, width, Errno::INVAL);
    }
    // And values that are longer.
    for (width, value) in [(8, 1 << 8), (16, 1 << 16), (32, 1 << 32), (8, u64::MAX)] {
        let write = iomd_mapped_write {
            size: size::<iomd_mapped_write>(),
            width,
            value,
            ..Default::default()
        };
        assert_eq!(refused(&map, IOMD_MAPPED_WRITE, write), Errno::INVAL, "{value:#x}");
    }
    assert_painted(&memory, OLD);
}

#[test]
fn what_is_not_inside_is_refused() {
    let memory = painted(2, OLD);
    let map = in_kernel(&memory);
    for width in [8, 16, 32, 64] {
        let bytes = u64::from(width / 8);
        for offset in [END - bytes + 1, END, END + 1, u64::MAX - bytes + 1, u64::MAX] {
            assert_refused(&map, offset, width, Errno::RANGE);
        }
        if bytes > 1 {
            for inside in 1..bytes {
                assert_refused(&map, PAGE as u64 - inside, width, Errno::INVAL);
            }
        }
    }
    // Clipped to the bytes that were asked for.
    let short = memory.map().in_kernel(true).length(PAGE as u64 + 5).create().unwrap();
    assert_refused(&short, PAGE as u64 + 2, 32, Errno::RANGE);
    assert_eq!(short.mapped_read_u32(PAGE as u64 + 1).unwrap(), 1);
    assert_painted(&memory, OLD);
}

#[test]
fn no_task_maps_it() {
    let memory = painted(2, OLD);
    let map = in_kernel(&memory);
    let files = open_files();
    assert_eq!(map.mmap().unwrap_err().errno(), Errno::NODEV);
    let task = client().own_task().unwrap();
    assert_eq!(map.map_into(&task).run().unwrap_err().errno(), Errno::NODEV);
    // Nor is it shared.
    let found = memory.map_in_task(&task).reference(true).create();
    assert_eq!(found.unwrap_err().errno(), Errno::NOENT);
    drop(task);
    assert_eq!(open_files(), files);
}

#[test]
fn maps_of_tasks_are_not_reached_so() {
    let memory = painted(2, OLD);
    let map = unique(&memory);
    let _mapping = map.mmap().unwrap();
    assert_refused(&map, 0, 8, Errno::PERM);
    // Sub-maps neither.
    let task = client().own_task().unwrap();
    let part = memory.map_in_task(&task).create().unwrap();
    assert_refused(&part, 0, 8, Errno::PERM);
}

#[test]
fn a_read_only_map_is_not_written() {
    let memory = painted(1, OLD);
    for memory in [&memory, &memory.read_only().unwrap()] {
        let map = memory.map().in_kernel(true).read_only(true).create().unwrap();
        assert_eq!(map.mapped_write_u8(0, 7).unwrap_err().errno(), Errno::ACCESS);
        assert_eq!(map.mapped_read_u64(0).unwrap(), OLD);
    }
    let writable = memory.read_only().unwrap().map().in_kernel(true).create();
    assert_eq!(writable.unwrap_err().errno(), Errno::ACCESS);
}

#[test]
fn what_has_ended_or_was_taken_is_refused() {
    let memory = painted(2, OLD);
    let map = in_kernel(&memory);
    memory.set_purgeable(Purgeable::Empty).unwrap();
    assert_refused(&map, 0, 8, Errno::NODATA);
    memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    assert_eq!(map.mapped_read_u64(0).unwrap(), 0);
    map.unmap().unwrap();
    assert_refused(&map, 0, 8, Errno::NODEV);
    assert!(map.info().unwrap().ended);
}

#[test]
fn a_page_beyond_the_limit_is_refused() {
    let client = client();
    let child = Child::fork(|_| {
        // Somebody who has nothing locked yet.
        become_user(4711);
        let one = Some(PAGE as u64);
        setrlimit(Resource::Memlock, Rlimit { current: one, maximum: one }).unwrap();
        let map = in_kernel(&client.sparse_buffer(END).unwrap());
        map.mapped_write_u8(0, 7).unwrap();
        assert_refused(&map, PAGE as u64, 8, Errno::NOMEM);
        assert_eq!(map.mapped_read_u8(0).unwrap(), 7);
    });
    child.succeed();
}

#[test]
fn it_goes_with_its_last_handle() {
    let memory = painted(1, OLD);
    for keep in [false, true] {
        let map = memory.map().in_kernel(true).keep(keep).create().unwrap();
        let other = map.reopen().unwrap();
        drop(map);
        assert_eq!(other.mapped_read_u64(0).unwrap(), OLD);
        drop(other);
        assert_eq!(memory.info().unwrap().maps, 0);
    }
    assert_eq!(window(&memory).load_u64(0), OLD);
}
