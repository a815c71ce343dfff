// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of others as parts of other descriptors: it is held for whatever shows it.

use iomd::{Access, Descriptor, Direction, Errno};

use super::physical::Device;
use super::{descriptor, leaves_no_pin, memory, painted_memory, pinned};
use crate::support::{PAGE, Region, User, await_waiters, client, objects, painted, unique, window};

const TAG: u64 = 0x1500;

/// Two pages of memory of a task, of a device and of iomd's own, painted as one.
fn parts(source: Region) -> [Descriptor; 3] {
    let length = 2 * PAGE as u64;
    let device = client().physical_range(Device::address(), length, Direction::InOut).unwrap();
    for page in 0..2 {
        window(&device).store_u64(page * PAGE, TAG + 2 + page as u64);
    }
    [descriptor(source, Direction::InOut), device, painted(2, TAG + 4)]
}

#[test]
fn parts_of_all_kinds_are_shown_as_one() {
    leaves_no_pin(|| {
        let source = painted_memory(2, TAG);
        let parts = parts(source);
        let before = pinned();
        let all = client().multi(&parts.each_ref()).unwrap();
        let map = unique(&all);
        assert_eq!(pinned() - before, 2);
        let user = User::of(&map);
        for page in 0..6 {
            assert_eq!(user.read(page * PAGE), TAG + page as u64);
        }
        for part in &parts {
            part.suspend().unwrap();
            user.begin_read(0);
            await_waiters(&map, 1);
            part.resume().unwrap();
            assert_eq!(user.finish(), TAG);
        }
        user.write(8, 1);
        assert_eq!(source.read(8), 1);
        // A range that has none of the task's memory does not need it.
        drop((user, map));
        let rest = all.sub(2 * PAGE as u64, 0, Access::ReadWrite).unwrap();
        assert_eq!(window(&rest).load_u64(3 * PAGE), TAG + 5);
        assert_eq!(pinned(), before);
        source.unmap().unwrap();
    });
}

#[test]
fn a_part_that_cannot_be_had_lets_the_others_go() {
    leaves_no_pin(|| {
        let (source, hole) = (memory(2), memory(2));
        hole.unmap().unwrap();
        let parts = [source, hole].map(|region| descriptor(region, Direction::InOut));
        let all = client().multi(&parts.each_ref()).unwrap();
        let (before, pins) = (objects(), pinned());
        for _ in 0..2 {
            assert_eq!(all.prepare(None).unwrap_err().errno(), Errno::FAULT);
            assert_eq!(all.map().create().unwrap_err().errno(), Errno::FAULT);
            let moved = unique(&painted(4, TAG)).redirect(&all).run();
            assert_eq!(moved.unwrap_err().errno(), Errno::FAULT);
            let copied = painted(4, TAG).copy_to(&all).run();
            assert_eq!(copied.unwrap_err().errno(), Errno::FAULT);
            assert_eq!((objects(), pinned()), (before.clone(), pins));
        }
        all.map().length(2 * PAGE as u64).create().unwrap();
        source.unmap().unwrap();
    });
}

#[test]
fn what_is_prepared_as_a_whole_is_prepared_in_parts() {
    leaves_no_pin(|| {
        let source = memory(2);
        let part = descriptor(source, Direction::InOut);
        let [low, high] = [0, PAGE as u64]
            .map(|offset| part.sub(offset, PAGE as u64, Access::ReadWrite).unwrap());
        let both = client().multi(&[&high, &low]).unwrap();
        let before = pinned();
        both.prepare(None).unwrap();
        low.prepare(None).unwrap();
        assert_eq!(pinned() - before, 2, "each page once");
        both.complete().unwrap();
        assert_eq!(pinned() - before, 2);
        low.complete().unwrap();
        assert_eq!(pinned(), before);
        source.unmap().unwrap();
    });
}
