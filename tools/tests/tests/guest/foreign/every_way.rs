// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whatever memory it is, it is shown, switched, held up and copied like any other.

use std::os::fd::OwnedFd;

use iomd::{Descriptor, Direction};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::physical::Device;
use super::{descriptor, leaves_no_pin, memory};
use crate::support::{
    PAGE, Region, User, assert_painted, await_waiters, buffer, client, paint, unique, window,
};

const PAGES: usize = 4;
const LENGTH: u64 = (PAGES * PAGE) as u64;
const TAG: u64 = 0x1300;

/// Memory of every kind, and what it is taken from.
struct Kinds {
    kinds: [(&'static str, Descriptor); 4],
    source: Region,
    _file: OwnedFd,
}

impl Kinds {
    /// Each painted with a number of its own.
    fn new() -> Self {
        let source = memory(PAGES);
        let file = memfd_create("kinds", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, LENGTH).unwrap();
        let device = Device::address();
        let client = client();
        let kinds = [
            ("buffer", buffer(PAGES)),
            ("ranges", descriptor(source, Direction::InOut)),
            ("memfd", client.import_memfd(&file, 0, 0, Direction::InOut).unwrap()),
            ("physical", client.physical_range(device, LENGTH, Direction::InOut).unwrap()),
        ];
        for ((_, memory), tag) in kinds.iter().zip((TAG..).step_by(PAGES)) {
            paint(memory, tag);
        }
        Self { kinds, source, _file: file }
    }

    fn each(&self) -> impl Iterator<Item = (&'static str, &Descriptor, u64)> {
        let tags = (TAG..).step_by(PAGES);
        self.kinds.iter().zip(tags).map(|((name, memory), tag)| (*name, memory, tag))
    }
}

impl Drop for Kinds {
    fn drop(&mut self) {
        self.source.unmap().unwrap();
    }
}

#[test]
fn a_part_is_shown() {
    leaves_no_pin(|| {
        let kinds = Kinds::new();
        for (name, memory, tag) in kinds.each() {
            let builder = memory.map().offset(PAGE as u64).length(2 * PAGE as u64);
            let map = builder.create().unwrap();
            let shown = map.mmap().unwrap();
            assert_eq!(shown.len(), 2 * PAGE, "{name}");
            assert_eq!([0, 1].map(|page| shown.load_u64(page * PAGE)), [tag + 1, tag + 2]);
            shown.store_u64(8, 1);
            assert_eq!(window(memory).load_u64(PAGE + 8), 1, "{name}");
        }
    });
}

#[test]
fn a_live_map_goes_from_each_to_each() {
    leaves_no_pin(|| {
        let kinds = Kinds::new();
        for (from, memory, tag) in kinds.each() {
            let map = unique(memory);
            let user = User::of(&map);
            for (to, other, other_tag) in kinds.each() {
                assert_eq!(user.read(PAGE), tag + 1, "{from}");
                map.redirect(other).run().unwrap();
                assert_eq!(user.read(PAGE), other_tag + 1, "{from} to {to}");
                user.write(8, 1);
                assert_eq!(window(other).load_u64(8), 1, "{from} to {to}");
                user.write(8, 0);
                map.redirect(memory).run().unwrap();
            }
            let part = memory.map().unique(true).length(PAGE as u64).create().unwrap();
            for (to, other, other_tag) in kinds.each() {
                part.redirect(other).offset(2 * PAGE as u64).run().unwrap();
                assert_eq!(part.mmap().unwrap().load_u64(0), other_tag + 2, "{from} to {to}");
            }
        }
        for (_, memory, tag) in kinds.each() {
            assert_painted(memory, tag);
        }
    });
}

#[test]
fn maps_and_memory_are_suspended() {
    leaves_no_pin(|| {
        let kinds = Kinds::new();
        for (name, memory, tag) in kinds.each() {
            let map = unique(memory);
            let user = User::of(&map);
            assert_eq!(user.read(0), tag);
            map.suspend().unwrap();
            user.begin_read(PAGE);
            await_waiters(&map, 1);
            map.resume().unwrap();
            assert_eq!(user.finish(), tag + 1, "{name}");
            memory.suspend().unwrap();
            user.begin_write(PAGE, 7);
            await_waiters(&map, 1);
            memory.resume().unwrap();
            user.finish();
            assert_eq!(window(memory).load_u64(PAGE), 7, "{name}");
        }
    });
}

#[test]
fn memory_in_use_is_copied_and_moved_from_each_to_each() {
    leaves_no_pin(|| {
        let kinds = Kinds::new();
        for (from, memory, tag) in kinds.each() {
            for (to, other, _) in kinds.each().filter(|(to, ..)| *to != from) {
                paint(memory, tag);
                paint(other, 0);
                let map = unique(memory);
                let user = User::of(&map);
                assert_eq!(user.read(0), tag);
                let copied = memory.copy_to(other).run().unwrap();
                assert_eq!((copied.maps, copied.pinned), (1, 0), "{from} to {to}");
                assert_painted(other, tag);
                user.write(0, 1);
                let copied = memory.copy_to(other).resume_on_target(true).run().unwrap();
                assert_eq!((copied.maps, copied.pinned), (1, 0), "{from} to {to}");
                user.write(PAGE, 2);
                let words = |memory| [0, 1].map(|page| window(memory).load_u64(page * PAGE));
                assert_eq!(words(memory), [1, tag + 1], "{from} to {to}");
                assert_eq!(words(other), [1, 2], "{from} to {to}");
            }
        }
    });
}

#[test]
fn what_only_buffers_can_others_refuse() {
    let kinds = Kinds::new();
    for (name, memory, _) in kinds.each().skip(1) {
        let purged = memory.set_purgeable(iomd::Purgeable::Volatile);
        assert_eq!(purged.unwrap_err().errno(), iomd::Errno::OPNOTSUPP, "{name}");
        let map = memory.map().cache_mode(iomd::CacheMode::WriteCombine).create();
        assert_eq!(map.unwrap_err().errno(), iomd::Errno::OPNOTSUPP, "{name}");
        // One that it has.
        let map = memory.map().unique(true).create().unwrap();
        assert!(map.mmap().is_ok(), "{name}");
    }
}
