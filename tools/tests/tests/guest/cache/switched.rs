// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map that gets other memory keeps its mode, or is refused it.

use iomd::{CacheMode, Errno};

use super::{MODES, Sight, Uncached, WriteBack, assert_noted, map};
use crate::support::{PAGE, Region, assert_painted, client, painted, proc};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

#[test]
fn by_a_redirect() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let (old, new) = (painted(3, OLD), painted(3, NEW));
        let map = map(&old, mode).unwrap();
        let mapping = map.mmap().unwrap();
        sight.assert_cached(&mapping, cached);
        let frames = proc::frames(Region::from(&mapping));
        map.redirect(&new).run().unwrap();
        assert_eq!(mapping.load_u64(PAGE), NEW + 1);
        sight.assert_cached(&mapping, cached);
        assert_noted(&frames, WriteBack);
        // Nothing but the old memory's last map was in the way.
        let other = super::map(&old, CacheMode::Inhibit).unwrap();
        sight.assert_cached(&other.mmap().unwrap(), Uncached);
    }
}

#[test]
fn by_a_redirect_to_what_others_show_in_another_mode() {
    let sight = Sight::new();
    let (old, new) = (painted(3, OLD), painted(3, NEW));
    let map = map(&old, CacheMode::Inhibit).unwrap();
    let mapping = map.mmap().unwrap();
    sight.assert_cached(&mapping, Uncached);
    let other = super::map(&new, CacheMode::Default).unwrap();
    let before = map.info().unwrap();
    assert_eq!(map.redirect(&new).run().unwrap_err().errno(), Errno::BUSY);
    let client = client();
    let batch = client.batch().redirect(&map, &new);
    assert_eq!(batch.run().unwrap_err().errno(), Errno::BUSY);
    assert_eq!(map.info().unwrap(), before);
    sight.assert_cached(&mapping, Uncached);
    sight.assert_cached(&other.mmap().unwrap(), WriteBack);
    drop(other);
    map.redirect(&new).run().unwrap();
    sight.assert_cached(&mapping, Uncached);
}

#[test]
fn by_a_redirect_of_one_that_takes_what_the_memory_has() {
    let sight = Sight::new();
    let (old, new) = (painted(3, OLD), painted(3, NEW));
    let map = map(&old, CacheMode::Default).unwrap();
    let mapping = map.mmap().unwrap();
    sight.assert_cached(&mapping, WriteBack);
    let other = super::map(&new, CacheMode::Inhibit).unwrap();
    map.redirect(&new).run().unwrap();
    sight.assert_cached(&mapping, Uncached);
    map.redirect(&old).run().unwrap();
    sight.assert_cached(&mapping, WriteBack);
    sight.assert_cached(&other.mmap().unwrap(), Uncached);
}

#[test]
fn by_a_suspension() {
    let sight = Sight::new();
    let memory = painted(3, OLD);
    let map = map(&memory, CacheMode::Inhibit).unwrap();
    let mapping = map.mmap().unwrap();
    sight.assert_cached(&mapping, Uncached);
    let frames = proc::frames(Region::from(&mapping));
    map.suspend().unwrap();
    assert_noted(&frames, Uncached);
    map.resume().unwrap();
    sight.assert_cached(&mapping, Uncached);
    assert_eq!(mapping.load_u64(PAGE), OLD + 1);
}

#[test]
fn by_a_copy() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let (old, new) = (painted(3, OLD), client().sparse_buffer(3 * PAGE as u64).unwrap());
        // One that comes first by its number, but must not decide.
        let first = map(&painted(3, OLD), CacheMode::Default).unwrap();
        let map = map(&old, mode).unwrap();
        first.redirect(&old).run().unwrap();
        let mappings = [first.mmap().unwrap(), map.mmap().unwrap()];
        let copied = old.copy_to(&new).resume_on_target(true).run().unwrap();
        assert_eq!(copied.maps, 2);
        for mapping in &mappings {
            sight.assert_cached(mapping, cached);
        }
        assert_painted(&new, OLD);
    }
}

#[test]
fn by_a_copy_to_what_others_show_in_another_mode() {
    let sight = Sight::new();
    let (old, new) = (painted(3, OLD), painted(3, NEW));
    let map = map(&old, CacheMode::Inhibit).unwrap();
    let mapping = map.mmap().unwrap();
    let other = super::map(&new, CacheMode::Default).unwrap();
    let copy = old.copy_to(&new).resume_on_target(true);
    assert_eq!(copy.run().unwrap_err().errno(), Errno::BUSY);
    sight.assert_cached(&mapping, Uncached);
    assert_painted(&new, NEW);
    // A mere copy does not care.
    old.copy_to(&new).run().unwrap();
    assert_painted(&new, OLD);
    sight.assert_cached(&other.mmap().unwrap(), WriteBack);
    sight.assert_cached(&mapping, Uncached);
}
