// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that cannot be pinned, and some that can though one might doubt it.

use std::fs;

use iomd::{Direction, Errno};
use rustix::fd::{FromRawFd, OwnedFd};
use rustix::mm::{MapFlags, ProtFlags};

use super::{descriptor, leaves_no_pin, memory};
use crate::support::{PAGE, Region, buffer, unique, window};

const RIGHTS: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

#[track_caller]
fn assert_unpinnable(what: &str, source: Region) {
    leaves_no_pin(|| {
        for direction in [Direction::Out, Direction::InOut] {
            let memory = descriptor(source, direction);
            let errno = |error: iomd::Error| error.errno();
            assert_eq!(memory.prepare(None).map_err(errno), Err(Errno::FAULT), "{what}");
            let map = memory.map().read_only(true).create();
            assert_eq!(map.map(drop).map_err(errno), Err(Errno::FAULT), "{what}");
        }
    });
}

#[test]
fn what_is_no_memory_is_not_pinned() {
    let hole = memory(3);
    hole.pages(1..2).unmap().unwrap();
    assert_unpinnable("a hole", hole);
    assert_unpinnable("without rights", Region::reserve(1));
    assert_unpinnable("beyond the end", Region::at(1 << 47, PAGE));
    assert_unpinnable("the kernel's", Region::at(0xffff_8880_0000_0000, PAGE));
}

#[test]
fn secret_memory_stays_secret() {
    // SAFETY: it takes no pointers.
    let file = unsafe { libc::syscall(libc::SYS_memfd_secret, 0) };
    if file < 0 {
        println!("this kernel has no secret memory");
        return;
    }
    // SAFETY: the call has made it for us.
    let file = unsafe { OwnedFd::from_raw_fd(file as i32) };
    rustix::fs::ftruncate(&file, PAGE as u64).unwrap();
    let secret = Region::map(&file, 0, PAGE, RIGHTS, MapFlags::SHARED).unwrap();
    secret.write(0, 1);
    assert_unpinnable("secret memory", secret);
    secret.unmap().unwrap();
    let imported = crate::support::client().import_memfd(&file, 0, 0, Direction::Out);
    assert_eq!(imported.unwrap_err().errno(), Errno::INVAL);
}

/// Pages of a buffer are ordinary ones. A map of foreign memory has nothing that can be held.
#[test]
fn of_our_own_maps_those_of_buffers_are_pinned() {
    leaves_no_pin(|| {
        let map = unique(&buffer(2));
        let shown = Region::from(map.mmap().unwrap());
        let memory = descriptor(shown, Direction::InOut);
        let again = window(&memory);
        again.store_u64(PAGE, 1);
        assert_eq!(shown.read(PAGE), 1);
        // Who holds pages is found.
        let pinned = map.redirect(&buffer(2)).run().unwrap().pinned;
        assert_eq!(pinned, 2);
        again.store_u64(0, 2);
        assert_eq!(shown.read(0), 0);
        assert_unpinnable("foreign memory", Region::from(&again));
        shown.unmap().unwrap();
    });
}

#[test]
fn huge_pages_are_pinned() {
    let pool = "/proc/sys/vm/nr_hugepages";
    fs::write(pool, "1").unwrap();
    leaves_no_pin(|| {
        let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::HUGETLB;
        let file = rustix::fs::memfd_create("huge", flags).unwrap();
        let length = 2 << 20;
        rustix::fs::ftruncate(&file, length as u64).unwrap();
        let huge = Region::map(&file, 0, length, RIGHTS, MapFlags::SHARED).unwrap();
        huge.write(5 * PAGE, 5);
        let part = huge.pages(3..7);
        let ranges = descriptor(part, Direction::InOut);
        let client = crate::support::client();
        let (offset, length) = ((3 * PAGE) as u64, (4 * PAGE) as u64);
        let imported = client.import_memfd(&file, offset, length, Direction::InOut).unwrap();
        for (memory, word) in [(ranges, 6), (imported, 7)] {
            let shown = window(&memory);
            assert_eq!(shown.load_u64(2 * PAGE), word - 1);
            shown.store_u64(2 * PAGE, word);
            assert_eq!(huge.read(5 * PAGE), word);
        }
        huge.unmap().unwrap();
    });
    fs::write(pool, "0").unwrap();
}
