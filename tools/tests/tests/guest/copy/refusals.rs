// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy that is refused changes nothing.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use iomd::{Descriptor, DescriptorInfo, Errno, Map, MapInfo, Mapping};
use iomd_sys::{IOMD_COPY, IOMD_COPY_REFUSE_PINNED, IOMD_COPY_RESUME_ON_TARGET, iomd_copy};

use super::{NEW, OLD};
use crate::support::pin::Pin;
use crate::support::raw::{self, refused};
use crate::support::{PAGE, Region, User, await_waiters, client, painted, unique, window};

const PAGES: usize = 4;
const ONE: u64 = PAGE as u64;
const LENGTH: u64 = PAGES as u64 * ONE;

/// Memory in use, and where it could be copied to.
struct Scene {
    source: Descriptor,
    target: Descriptor,
    /// Sparse, and empty.
    empty: Descriptor,
    map: Map,
    user: User,
    suspended: Map,
    waiter: User,
    /// Of the target: one of the source could not go on elsewhere.
    window: Mapping,
}

/// All that a copy can change.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    maps: [MapInfo; 2],
    descriptors: [DescriptorInfo; 3],
    source: [u64; PAGES],
    target: [u64; PAGES],
}

impl Scene {
    fn new() -> Self {
        let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
        let empty = client().sparse_buffer(LENGTH).unwrap();
        let (map, suspended) = (unique(&source), unique(&source));
        let (user, waiter) = (User::of(&map), User::of(&suspended));
        suspended.suspend().unwrap();
        waiter.begin_read(0);
        await_waiters(&suspended, 1);
        let window = window(&target);
        // So that all page-table entries are there.
        for page in 0..PAGES {
            user.read(page * PAGE);
        }
        Self { source, target, empty, map, user, suspended, waiter, window }
    }

    fn sight(&self) -> Sight {
        let descriptors = [&self.source, &self.target, &self.empty];
        let seen = Sight {
            maps: [&self.map, &self.suspended].map(|map| map.info().unwrap()),
            descriptors: descriptors.map(|memory| memory.info().unwrap()),
            source: std::array::from_fn(|page| self.user.read(page * PAGE)),
            target: std::array::from_fn(|page| self.window.load_u64(page * PAGE)),
        };
        assert!(self.waiter.is_silent());
        seen
    }

    /// Asserts that the copy is refused, and that nothing comes of it.
    #[track_caller]
    fn refuses(&self, source: &Descriptor, copy: iomd_copy, errno: Errno) {
        let before = self.sight();
        // Told back if something is written back.
        let copy =
            iomd_copy { size: raw::size::<iomd_copy>(), pinned: 7, maps: 7, pause_ns: 7, ..copy };
        assert_eq!(refused(source, IOMD_COPY, copy), errno, "{copy:?}");
        let mut after = self.sight();
        // Read again, memory is faulted in again, if the copy took it away for a moment.
        after.maps[0].faults = before.maps[0].faults;
        assert_eq!(after, before, "{copy:?}");
    }

    /// As [`refuses`](Self::refuses), of a copy from the source into any of the targets.
    #[track_caller]
    fn refuses_into_any(&self, copy: iomd_copy, errno: Errno) {
        for target in [&self.target, &self.empty] {
            self.refuses(&self.source, iomd_copy { target: number(target), ..copy }, errno);
        }
    }
}

fn number(file: &impl AsFd) -> i32 {
    file.as_fd().as_raw_fd()
}

#[test]
fn into_the_memory_that_is_copied() {
    let scene = Scene::new();
    for (offset, length, target_offset) in
        [(0, 0, 0), (0, ONE, 0), (ONE, 2 * ONE, 0), (0, 2 * ONE, ONE), (0, ONE + 1, ONE)]
    {
        let target = number(&scene.source);
        let copy = iomd_copy { offset, length, target_offset, target, ..Default::default() };
        scene.refuses(&scene.source, copy, Errno::INVAL);
        // Through another file descriptor it is the same memory.
        let again = scene.source.reopen(iomd::Access::ReadWrite).unwrap();
        let copy = iomd_copy { target: number(&again), ..copy };
        scene.refuses(&scene.source, copy, Errno::INVAL);
    }
}

#[test]
fn from_the_middle_of_a_page_beyond_the_end() {
    let scene = Scene::new();
    for offset in [1, 8, ONE - 1, ONE + 1, LENGTH - 1] {
        let copy = iomd_copy { length: LENGTH - offset + 1, ..Default::default() };
        scene.refuses_into_any(iomd_copy { offset, ..copy }, Errno::RANGE);
        scene.refuses_into_any(iomd_copy { target_offset: offset, ..copy }, Errno::RANGE);
    }
}

#[test]
fn beyond_either_memory() {
    let scene = Scene::new();
    let of = |offset, length, target_offset| iomd_copy {
        offset,
        length,
        target_offset,
        ..Default::default()
    };
    for copy in [
        of(LENGTH, 0, 0),
        of(LENGTH, ONE, 0),
        of(LENGTH + ONE, 0, 0),
        of(0, LENGTH + 1, 0),
        of(ONE, LENGTH, 0),
        of(LENGTH - ONE, ONE + 1, 0),
        of(0, 1 << 63, 0),
        of(0, 0, ONE),
        of(0, ONE, LENGTH),
        of(0, 2 * ONE, LENGTH - ONE),
        of(LENGTH - ONE, 0, LENGTH),
        of(0, ONE, 1 << 40),
    ] {
        scene.refuses_into_any(copy, Errno::RANGE);
    }
    for copy in [
        of(ONE, u64::MAX, 0),
        of(u64::MAX - ONE + 1, ONE, 0),
        of(1 << 63, 1 << 63, 0),
        of(0, ONE, u64::MAX - ONE + 1),
        of(0, LENGTH, u64::MAX - 2 * ONE + 1),
    ] {
        scene.refuses_into_any(copy, Errno::OVERFLOW);
    }
}

#[test]
fn into_what_is_no_memory() {
    let scene = Scene::new();
    let file = File::open("/dev/null").unwrap();
    let client = client();
    for target in [number(&scene.map), number(&client), number(&file)] {
        scene.refuses(&scene.source, iomd_copy { target, ..Default::default() }, Errno::INVAL);
    }
    let closed = number(&file);
    drop(file);
    for target in [-1, i32::MIN, i32::MAX, closed] {
        scene.refuses(&scene.source, iomd_copy { target, ..Default::default() }, Errno::BADF);
    }
}

#[test]
fn without_the_right_to_write() {
    let scene = Scene::new();
    for memory in [&scene.target, &scene.empty] {
        let read_only = memory.read_only().unwrap();
        let copy = iomd_copy { target: number(&read_only), ..Default::default() };
        scene.refuses(&scene.source, copy, Errno::ACCESS);
        // To make others go on elsewhere takes the right to write what they have.
        let read_only = scene.source.read_only().unwrap();
        let copy = iomd_copy {
            target: number(memory),
            flags: IOMD_COPY_RESUME_ON_TARGET,
            ..Default::default()
        };
        scene.refuses(&read_only, copy, Errno::ACCESS);
    }
}

#[test]
fn under_a_map_that_cannot_go_on_elsewhere() {
    let scene = Scene::new();
    let flags = IOMD_COPY_RESUME_ON_TARGET;
    for read_only in [false, true] {
        for first in [0, 3] {
            // Made after the others, and so the last to be asked.
            let builder = scene.source.map().read_only(read_only).offset(first * ONE).length(ONE);
            let map = builder.create().unwrap();
            let user = User::of(&map);
            assert_eq!(user.read(0), OLD + first);
            let before = map.info().unwrap();
            scene.refuses_into_any(iomd_copy { flags, ..Default::default() }, Errno::PERM);
            assert_eq!(map.info().unwrap(), before);
            assert_eq!(user.read(0), OLD + first);
        }
    }
    let copy = scene.source.copy_to(&scene.target).resume_on_target(true);
    assert_eq!(copy.run().unwrap().maps, 1, "those maps were all that was in the way");
}

#[test]
fn under_a_map_that_reaches_beyond_the_range() {
    let scene = Scene::new();
    let flags = IOMD_COPY_RESUME_ON_TARGET;
    for (offset, length) in [(ONE, 0), (0, 3 * ONE), (ONE, ONE), (3 * ONE, 0), (0, 1)] {
        scene.refuses_into_any(
            iomd_copy { flags, offset, length, ..Default::default() },
            Errno::RANGE,
        );
    }
}

#[test]
fn under_io() {
    let scene = Scene::new();
    let memory = scene.map.mmap().unwrap();
    // The last page, so that all others have been looked at before.
    let last = Region::from(&memory).pages(PAGES - 1..PAGES);
    let pin = Pin::of(last);
    for flags in [IOMD_COPY_REFUSE_PINNED, IOMD_COPY_REFUSE_PINNED | IOMD_COPY_RESUME_ON_TARGET] {
        scene.refuses_into_any(iomd_copy { flags, ..Default::default() }, Errno::BUSY);
    }
    drop(pin);
    for target in [&scene.target, &scene.empty] {
        assert_eq!(scene.source.copy_to(target).refuse_pinned(true).run().unwrap().pinned, 0);
    }
}
