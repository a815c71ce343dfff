// SPDX-License-Identifier: MIT OR Apache-2.0

//! Options that say how a map is mapped, as the crate honours them in one's own process.

use iomd::{Errno, Guards, MmapOptions};
use rustix::process::getpid;

use super::{OLD, room};
use crate::support::{Child, PAGE, Region, painted, proc};

#[test]
fn guards_come_and_go_with_a_mapping() {
    for guards in [Guards::Small, Guards::Large] {
        let map = painted(2, OLD).map().guards(guards).create().unwrap();
        let before = proc::inaccessible(getpid());
        let mapping = map.mmap().unwrap();
        assert_eq!(mapping.load_u64(PAGE), OLD + 1);
        let start = mapping.as_ptr().addr();
        assert_eq!(map.info().unwrap().address, Some(start as u64), "not that of a guard");
        proc::assert_guarded(getpid(), start..start + 2 * PAGE, guards.bytes());
        assert_eq!(proc::inaccessible(getpid()), before + 2 * guards.bytes());
        drop(mapping);
        assert_eq!(proc::inaccessible(getpid()), before);
        assert!(!proc::is_mapped(getpid(), start));

        // A length of bytes is guarded from the end of its last page on.
        let options = MmapOptions { length: 1, ..MmapOptions::default() };
        let mapping = map.mmap_with(options).unwrap();
        let start = mapping.as_ptr().addr();
        proc::assert_guarded(getpid(), start..start + PAGE, guards.bytes());
    }
}

#[test]
fn guards_are_none_where_the_mapping_is_refused() {
    let map = painted(1, OLD).map().guards(Guards::Small).create().unwrap();
    let before = proc::mappings(getpid()).len();
    let room = room(3).pages(1..2);
    let options = MmapOptions { address: Some(room.address()), ..MmapOptions::default() };
    assert_eq!(map.mmap_with(options).unwrap_err().errno(), Errno::INVAL);
    map.unmap().unwrap();
    assert_eq!(map.mmap().unwrap_err().errno(), Errno::NODEV);
    assert_eq!(proc::mappings(getpid()).len(), before);
}

#[test]
fn prefault_leaves_no_fault() {
    const PAGES: usize = 64;
    for prefault in [false, true] {
        let map = painted(PAGES, OLD).map().unique(true).prefault(prefault).create().unwrap();
        let mapping = map.mmap().unwrap();
        let before = map.info().unwrap().faults;
        for page in 0..PAGES {
            assert_eq!(mapping.load_u64(page * PAGE), OLD + page as u64);
            mapping.store_u64(page * PAGE, 1);
        }
        let faults = map.info().unwrap().faults - before;
        assert_eq!(faults == 0, prefault, "{faults} faults");
    }
}

#[test]
fn prefault_waits_for_no_suspension() {
    let map = painted(2, OLD).map().unique(true).prefault(true).create().unwrap();
    map.suspend_with().range(PAGE as u64, 0).run().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), OLD);
    map.resume().unwrap();
    let child = Child::fork(|_| assert_eq!(map.mmap().unwrap().load_u64(PAGE), OLD + 1));
    child.succeed();
}

#[test]
fn overwrite_takes_the_place_of_what_is_there() {
    let lower = Region::from(painted(2, OLD).map().create().unwrap().mmap().unwrap());
    let options =
        MmapOptions { address: Some(lower.address()), length: PAGE, ..Default::default() };
    for overwrite in [false, true] {
        let map = painted(1, 2 * OLD).map().overwrite(overwrite).create().unwrap();
        assert_eq!(map.mmap_with(options).unwrap_err().errno(), Errno::EXIST);
        // SAFETY: a region is nothing of Rust's.
        match unsafe { map.mmap_over(options) } {
            Ok(mapping) => {
                assert!(overwrite);
                assert_eq!(mapping.load_u64(0), 2 * OLD);
            }
            Err(error) => assert_eq!((error.errno(), overwrite), (Errno::EXIST, false)),
        }
    }
    lower.unmap().unwrap();
}
