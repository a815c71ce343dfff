// SPDX-License-Identifier: MIT OR Apache-2.0

//! Each mode is in the page tables, in all of them.

use std::fs;

use iomd::{CacheMode, Client, Inheritance, MmapOptions};
use rustix::mm::{MprotectFlags, MremapFlags};

use super::{MODES, Sight, Uncached, WriteBack, map};
use crate::support::uring::Ring;
use crate::support::{Child, PAGE, Region, assert_painted, client, painted};

const TAG: u64 = 0x0100;

#[test]
fn of_each_mode() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let memory = painted(3, TAG);
        let map = map(&memory, mode).unwrap();
        assert_eq!(map.info().unwrap().options.cache_mode(), Some(mode));
        let mapping = map.mmap().unwrap();
        assert_eq!(mapping.load_u64(2 * PAGE), TAG + 2, "{mode}: the memory is the same");
        sight.assert_cached(&mapping, cached);
        mapping.store_u64(0, 7);
        assert_eq!(mapping.load_u64(0), 7);
        let shown = fs::read_to_string(format!("/proc/self/fdinfo/{}", raw(&memory))).unwrap();
        let name = match cached {
            WriteBack => "write-back",
            Uncached => "uncached",
            super::WriteCombining => "write-combining",
        };
        assert!(shown.contains(&format!("iomd-cache:\t{name}\n")), "{shown}");
    }
}

fn raw(file: impl std::os::fd::AsFd) -> i32 {
    use std::os::fd::AsRawFd;
    file.as_fd().as_raw_fd()
}

#[test]
fn of_pages_that_come_on_first_touch() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let memory = client().sparse_buffer(40 * PAGE as u64).unwrap();
        let map = map(&memory, mode).unwrap();
        let mapping = map.mmap().unwrap();
        mapping.store_u64(3 * PAGE, 7);
        sight.assert_cached(&mapping, cached);
        assert_eq!((mapping.load_u64(3 * PAGE), mapping.load_u64(4 * PAGE)), (7, 0));
    }
}

#[test]
fn of_every_alias() {
    let sight = Sight::new();
    let memory = painted(4, TAG);
    let map = memory
        .map()
        .cache_mode(CacheMode::Inhibit)
        .inheritance(Inheritance::Share)
        .create()
        .unwrap();
    let mapping = map.mmap().unwrap();
    let second = map.mmap_with(MmapOptions { read_only: true, ..Default::default() }).unwrap();
    let prefaulted = map.mmap().unwrap();
    Region::from(&prefaulted).advise(rustix::mm::Advice::LinuxPopulateRead).unwrap();
    for region in [&mapping, &second, &prefaulted].map(Region::from) {
        sight.assert_region_cached(region, Uncached);
    }

    // What was read-only is written through the same entry.
    let region = Region::from(second);
    region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
    region.write(0, 7);
    sight.assert_region_cached(region, Uncached);
    let child = Child::fork(|_| {
        sight.assert_cached(&mapping, Uncached);
        sight.assert_region_cached(region, Uncached);
    });
    child.succeed();

    let moved = region.moved();
    sight.assert_region_cached(moved, Uncached);
    moved.pages(0..1).remap(PAGE, MremapFlags::empty(), None).unwrap();
    moved.pages(0..2).show_file_pages(2).unwrap();
    assert_eq!(moved.read(0), TAG + 2);
    sight.assert_region_cached(moved, Uncached);
    moved.unmap().unwrap();
}

#[test]
fn of_a_map_that_takes_what_the_memory_has() {
    let sight = Sight::new();
    let memory = painted(2, TAG);
    let first = map(&memory, CacheMode::Inhibit).unwrap();
    let second = map(&memory, CacheMode::Default).unwrap();
    sight.assert_cached(&second.mmap().unwrap(), Uncached);
    // Whoever chose it may go.
    drop(first);
    sight.assert_cached(&second.mmap().unwrap(), Uncached);
    drop(second);
    let third = map(&memory, CacheMode::Default).unwrap();
    sight.assert_cached(&third.mmap().unwrap(), WriteBack);
}

#[test]
fn of_a_part_is_that_of_all_of_the_memory() {
    let sight = Sight::new();
    let memory = painted(3, TAG);
    let part = memory.map().cache_mode(CacheMode::WriteCombine).length(PAGE as u64);
    let part = part.create().unwrap();
    sight.assert_cached(&part.mmap().unwrap(), super::WriteCombining);
    let rest = memory.map().offset(PAGE as u64).create().unwrap();
    sight.assert_cached(&rest.mmap().unwrap(), super::WriteCombining);
    assert_painted(&memory, TAG);
}

#[test]
fn of_other_memory_is_not_touched() {
    let sight = Sight::new();
    let (memory, other) = (painted(2, TAG), painted(2, TAG));
    let plain_map = map(&other, CacheMode::Default).unwrap();
    let mapping = plain_map.mmap().unwrap();
    let fresh = Client::open().unwrap().map_fresh(PAGE).unwrap();
    let inhibited = map(&memory, CacheMode::Inhibit).unwrap();
    sight.assert_cached(&inhibited.mmap().unwrap(), Uncached);
    sight.assert_cached(&mapping, WriteBack);
    sight.assert_cached(&fresh, WriteBack);
}

#[test]
fn system_calls_reach_such_memory_but_cannot_hold_it() {
    for mode in [CacheMode::Inhibit, CacheMode::WriteCombine] {
        let memory = painted(2, TAG);
        let map = map(&memory, mode).unwrap();
        let mapping = map.mmap().unwrap();
        let region = Region::from(&mapping);
        let zeros = fs::File::open("/dev/zero").unwrap();
        // SAFETY: a region is nothing of Rust's.
        let read = unsafe { libc::read(raw(&zeros), region.as_ptr(), 2 * PAGE) };
        assert_eq!(read, 2 * PAGE as isize);
        assert_eq!(mapping.load_u64(PAGE), 0);
        // Through what holds it, it could be mapped in another mode.
        for touched in [true, false] {
            if !touched {
                region.advise(rustix::mm::Advice::LinuxDontNeed).unwrap();
            }
            Ring::new().register(region).unwrap_err();
        }
        assert_eq!(map.suspend().unwrap().pinned, 0);
    }
}
