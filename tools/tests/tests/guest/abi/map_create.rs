// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a map can be made with.

use iomd::Errno;
use iomd_sys::{
    IOMD_INHERIT_COPY, IOMD_INHERIT_NONE, IOMD_INHERIT_SHARE, IOMD_MAP_ANYWHERE,
    IOMD_MAP_COPYBACK_CACHE, IOMD_MAP_COPYBACK_INNER_CACHE, IOMD_MAP_CREATE,
    IOMD_MAP_GUARDED_LARGE, IOMD_MAP_GUARDED_SMALL, IOMD_MAP_OVERWRITE,
    IOMD_MAP_POSTED_COMBINED_REORDERED, IOMD_MAP_POSTED_REORDERED, IOMD_MAP_POSTED_WRITE,
    IOMD_MAP_PREFAULT, IOMD_MAP_READ_ONLY, IOMD_MAP_REAL_TIME, IOMD_MAP_REFERENCE, IOMD_MAP_STATIC,
    IOMD_MAP_UNIQUE, IOMD_MAP_WRITE_THRU_CACHE, iomd_map_create,
};

use super::World;
use super::world::PAGES;
use crate::support::PAGE;
use crate::support::raw::{refused, size};

const HONOURED: u32 = IOMD_MAP_ANYWHERE
    | IOMD_MAP_READ_ONLY
    | IOMD_MAP_UNIQUE
    | IOMD_MAP_PREFAULT
    | IOMD_MAP_OVERWRITE
    | IOMD_MAP_COPYBACK_CACHE;

/// One of them at a time, of what may be anywhere.
const GUARDS: [u32; 2] = [IOMD_MAP_GUARDED_SMALL, IOMD_MAP_GUARDED_LARGE];

const UNSUPPORTED: [u32; 8] = [
    IOMD_MAP_WRITE_THRU_CACHE,
    IOMD_MAP_COPYBACK_INNER_CACHE,
    IOMD_MAP_POSTED_WRITE,
    IOMD_MAP_REAL_TIME,
    IOMD_MAP_POSTED_REORDERED,
    IOMD_MAP_POSTED_COMBINED_REORDERED,
    IOMD_MAP_STATIC,
    IOMD_MAP_REFERENCE,
];

/// Asserts that such a map is refused, and that nothing comes of it.
#[track_caller]
fn assert_refused(world: &World, create: iomd_map_create, errno: Errno) {
    // Told back if something is written back.
    let create = iomd_map_create { size: size::<iomd_map_create>(), id: 7, fd: 7, ..create };
    world.assert_unchanged(&format!("{create:?}"), || {
        assert_eq!(refused(&world.source, IOMD_MAP_CREATE, create), errno, "{create:?}");
    });
}

#[test]
fn options_that_are_not_supported_are_refused_each() {
    let world = World::new();
    for option in UNSUPPORTED {
        // Alone, and with what could be honoured.
        let all = if option & 0xf00 == 0 { HONOURED } else { HONOURED & !0xf00 };
        for options in [option, option | all, option | IOMD_MAP_UNIQUE] {
            let create = iomd_map_create { options, ..Default::default() };
            assert_refused(&world, create, Errno::OPNOTSUPP);
        }
    }
}

#[test]
fn guards_are_of_one_size_and_of_what_may_be_anywhere() {
    let world = World::new();
    let both = GUARDS[0] | GUARDS[1];
    for options in [GUARDS[0], GUARDS[1], both, both | IOMD_MAP_ANYWHERE] {
        for options in [options, options | IOMD_MAP_OVERWRITE | IOMD_MAP_UNIQUE] {
            let create = iomd_map_create { options, ..Default::default() };
            assert_refused(&world, create, Errno::INVAL);
        }
    }
    for guard in GUARDS {
        let options = iomd::MapOptions::from_bits_retain(HONOURED | guard);
        let map = world.source.map().options(options).create().unwrap();
        assert_eq!(map.info().unwrap().options, options);
    }
}

#[test]
fn unknown_options_are_refused_each() {
    let world = World::new();
    let known = UNSUPPORTED.iter().chain(&GUARDS).fold(HONOURED, |known, option| known | option);
    let modes = (0xa..=0xf).map(|mode| mode << 8);
    let unknown: Vec<u32> =
        (0..32).map(|shift| 1 << shift).filter(|bit| known & bit == 0).chain(modes).collect();
    assert_eq!(unknown.len(), 25);
    for option in unknown {
        for options in [option, option | IOMD_MAP_ANYWHERE | IOMD_MAP_UNIQUE] {
            let create = iomd_map_create { options, ..Default::default() };
            assert_refused(&world, create, Errno::INVAL);
        }
    }
}

#[test]
fn only_sharing_and_nothing_can_be_inherited() {
    let world = World::new();
    let refused = |inheritance, errno| {
        let create = iomd_map_create { inheritance, ..Default::default() };
        assert_refused(&world, create, errno);
    };
    refused(IOMD_INHERIT_COPY, Errno::OPNOTSUPP);
    for unknown in [3, 4, 0x8000_0000, u32::MAX] {
        refused(unknown, Errno::INVAL);
    }
    let known = [iomd::Inheritance::Share, iomd::Inheritance::None];
    assert_eq!([IOMD_INHERIT_SHARE, IOMD_INHERIT_NONE], [0, 2]);
    for inheritance in known {
        let map = world.source.map().inheritance(inheritance).create().unwrap();
        assert_eq!(map.info().unwrap().inheritance, inheritance);
    }
}

#[test]
fn ranges_that_are_not_inside_are_refused() {
    const LENGTH: u64 = (PAGES * PAGE) as u64;
    const ONE: u64 = PAGE as u64;
    let world = World::new();
    let refused = |offset, length, errno| {
        let create = iomd_map_create { offset, length, ..Default::default() };
        assert_refused(&world, create, errno);
    };
    // Not even nothing begins at the end.
    for offset in [LENGTH, LENGTH + 1, LENGTH + ONE, 1 << 40, u64::MAX - ONE + 1, u64::MAX] {
        refused(offset, 0, Errno::RANGE);
    }
    for (offset, length) in [
        (0, LENGTH + 1),
        (0, LENGTH + ONE),
        (ONE, LENGTH),
        (LENGTH - ONE, ONE + 1),
        (LENGTH - 1, 2),
        (LENGTH, 1),
        (0, 1 << 63),
        (0, u64::MAX),
    ] {
        refused(offset, length, Errno::RANGE);
    }
    for (offset, length) in
        [(ONE, u64::MAX), (ONE, u64::MAX - ONE + 1), (u64::MAX - ONE + 1, ONE), (1 << 63, 1 << 63)]
    {
        refused(offset, length, Errno::OVERFLOW);
    }

    for (offset, length, pages) in [
        (0, 0, 4),
        (0, 1, 1),
        (0, LENGTH, 4),
        (ONE, 0, 3),
        (ONE, ONE + 1, 2),
        (3 * ONE, ONE, 1),
        (8, 0, 4),
        (1, ONE, 2),
        (ONE - 1, 2, 2),
        (LENGTH - 1, 0, 1),
    ] {
        let map = world.source.map().offset(offset).length(length).create().unwrap();
        let info = map.info().unwrap();
        assert_eq!((info.offset, info.mapped_size), (offset, pages * ONE));
        assert_eq!(info.page_offset, offset % ONE);
        assert_eq!(info.length, if length == 0 { LENGTH - offset } else { length });
    }
}
