// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel offers to do to any mapping: a piece comes out of it whole.

use std::fs;

use rustix::mm::{Advice, mlock, munlock};
use rustix::process::getpid;

use super::{OLD, PIECE, assert_faults, assert_shows, large, mapped};
use crate::support::{PAGE, Region, assert_painted, proc, unique};

/// Does something to a mapping of a piece, then looks whether it is the same as before.
#[track_caller]
fn assert_survives(work: impl FnOnce(Region)) {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    work(region);
    assert_shows(region, OLD);
    region.write(9 * PAGE, 1);
    region.write(9 * PAGE, OLD + 9);
    assert_painted(&memory, OLD);
    map.suspend().unwrap();
    map.resume().unwrap();
    assert_shows(region, OLD);
    region.unmap().unwrap();
}

#[test]
fn reclaim_on_request() {
    for advice in [Advice::LinuxCold, Advice::LinuxPageOut] {
        assert_survives(|region| {
            let _ = region.advise(advice);
        });
        assert_survives(|region| {
            let _ = region.pages(3..9).advise(advice);
        });
        // By entries for pages of the piece.
        assert_survives(|region| {
            region.pages(0..1).advise(Advice::LinuxDontNeed).unwrap();
            assert_shows(region, OLD);
            let _ = region.pages(3..9).advise(advice);
            let _ = region.advise(advice);
        });
    }
}

#[test]
fn tracking_of_writes() {
    assert_survives(|region| {
        fs::write("/proc/self/clear_refs", "4").unwrap();
        region.write(5 * PAGE, OLD + 5);
    });
}

#[test]
fn ageing() {
    assert_survives(|_| fs::write("/proc/self/clear_refs", "1").unwrap());
}

#[test]
fn its_reports() {
    assert_survives(|region| {
        for file in ["smaps", "smaps_rollup", "numa_maps", "maps"] {
            // Not every kernel has all of them.
            let _ = fs::read_to_string(format!("/proc/self/{file}"));
        }
        assert_eq!(proc::frames(region).len(), PIECE);
        let mut present = [0; PIECE];
        // SAFETY: there is a byte for each page.
        let outcome = unsafe { libc::mincore(region.as_ptr(), region.len(), present.as_mut_ptr()) };
        assert_eq!(outcome, 0);
        assert!(present.iter().all(|page| page & 1 == 1));
        assert!(proc::is_mapped(getpid(), region.address()));
    });
}

#[test]
fn locking() {
    assert_survives(|region| {
        // SAFETY: it changes nothing that is seen.
        unsafe { mlock(region.as_ptr(), region.len()) }.unwrap();
        // SAFETY: as above.
        unsafe { munlock(region.as_ptr(), region.len()) }.unwrap();
    });
}

#[test]
fn moves_between_nodes() {
    const BIND: i32 = 2;
    const MOVE: u32 = 2;
    assert_survives(|region| {
        let (start, length, nodes) = (region.address(), region.len(), 1_u64);
        let (page, node, mut status) = (region.pages(3..4).as_ptr(), 0_i32, 0_i32);
        // Not every kernel has them.
        // SAFETY: it changes where memory is at most.
        unsafe { libc::syscall(libc::SYS_mbind, start, length, BIND, &nodes, 64, MOVE) };
        // SAFETY: as above, and it writes the status.
        unsafe { libc::syscall(libc::SYS_move_pages, 0, 1, &page, &node, &mut status, MOVE) };
    });
}
