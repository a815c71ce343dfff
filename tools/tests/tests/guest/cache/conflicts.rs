// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory has one mode at a time: whoever wants another is refused, and nothing changes.

use iomd::{CacheMode, Descriptor, Errno, MapBuilder, Purgeable};

use super::{MODES, Sight, Uncached, WriteBack, map};
use crate::support::pin::Pin;
use crate::support::{PAGE, Region, assert_painted, painted};

const TAG: u64 = 0x0100;

fn read_only(memory: &Descriptor) -> MapBuilder<'_> {
    memory.map().unique(true).read_only(true)
}

/// Asserts that no map of the memory can be made in that mode.
#[track_caller]
fn assert_refused(memory: &Descriptor, mode: CacheMode) {
    let before = memory.info().unwrap();
    assert_eq!(map(memory, mode).unwrap_err().errno(), Errno::BUSY, "{mode}");
    assert_eq!(memory.info().unwrap(), before);
}

#[test]
fn between_maps() {
    let sight = Sight::new();
    for (first, cached) in MODES {
        let memory = painted(3, TAG);
        let map = map(&memory, first).unwrap();
        let mapping = map.mmap().unwrap();
        for (second, wanted) in MODES {
            if second == CacheMode::Default || wanted == cached {
                super::map(&memory, second).unwrap();
            } else {
                assert_refused(&memory, second);
            }
            sight.assert_cached(&mapping, cached);
        }
        // Another part, and nothing of it mapped: the mode is that of all of the memory.
        let part = memory.map().offset(PAGE as u64);
        let other = if cached == Uncached { CacheMode::WriteCombine } else { CacheMode::Inhibit };
        assert_eq!(part.cache_mode(other).create().unwrap_err().errno(), Errno::BUSY);
        sight.assert_cached(&mapping, cached);
    }
}

#[test]
fn with_a_mapping_whose_map_has_ended() {
    let sight = Sight::new();
    let memory = painted(2, TAG);
    let map = map(&memory, CacheMode::Inhibit).unwrap();
    let region = Region::from(map.mmap().unwrap());
    drop(map);
    assert_refused(&memory, CacheMode::Copyback);
    region.unmap().unwrap();
    let map = super::map(&memory, CacheMode::Copyback).unwrap();
    sight.assert_cached(&map.mmap().unwrap(), WriteBack);
    assert_painted(&memory, TAG);
}

#[test]
fn with_the_rights_of_the_descriptor() {
    let sight = Sight::new();
    let memory = painted(3, TAG);
    let other = painted(3, TAG);
    let (reader, target) = (memory.read_only().unwrap(), other.read_only().unwrap());
    for mode in [CacheMode::Inhibit, CacheMode::WriteCombine] {
        // Others would have to use it so.
        let refused = read_only(&reader).cache_mode(mode).create().unwrap_err();
        assert_eq!(refused.errno(), Errno::ACCESS, "{mode}");
        let map = read_only(&memory).cache_mode(mode).create().unwrap();
        assert_eq!(map.redirect(&target).run().unwrap_err().errno(), Errno::ACCESS, "{mode}");
        let mapping = map.mmap().unwrap();
        let taken = read_only(&reader).create().unwrap();
        let cached = MODES.iter().find(|(name, _)| *name == mode).unwrap().1;
        sight.assert_cached(&mapping, cached);
        sight.assert_cached(&taken.mmap().unwrap(), cached);
    }
    reader.map().read_only(true).cache_mode(CacheMode::Copyback).create().unwrap();
}

#[test]
fn with_memory_that_may_be_taken_away() {
    let memory = painted(3, TAG);
    for mode in [CacheMode::Inhibit, CacheMode::WriteCombine] {
        for state in [Purgeable::Volatile, Purgeable::Empty] {
            memory.set_purgeable(state).unwrap();
            assert_refused(&memory, mode);
            memory.set_purgeable(Purgeable::NonVolatile).unwrap();
            let map = map(&memory, mode).unwrap();
            assert_eq!(memory.set_purgeable(state).unwrap_err().errno(), Errno::BUSY);
            drop(map);
        }
    }
    memory.set_purgeable(Purgeable::Volatile).unwrap();
}

#[test]
fn with_whoever_holds_a_page() {
    let sight = Sight::new();
    let memory = painted(3, TAG);
    let map = map(&memory, CacheMode::Default).unwrap();
    let mapping = map.mmap().unwrap();
    let pin = Pin::of(Region::from(&mapping).pages(1..2));
    drop((mapping, map));
    for mode in [CacheMode::Inhibit, CacheMode::WriteCombine] {
        assert_refused(&memory, mode);
    }
    let map = super::map(&memory, CacheMode::Default).unwrap();
    sight.assert_cached(&map.mmap().unwrap(), WriteBack);
    drop((map, pin));
    let map = super::map(&memory, CacheMode::Inhibit).unwrap();
    sight.assert_cached(&map.mmap().unwrap(), Uncached);
}
