// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a map can be mapped and how, and what of that is refused.

mod core_dump;
mod edges;
mod inheritance;
mod moves;
mod options;

use std::fs;

use iomd::{Errno, Map, MapInfo, MmapOptions};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use rustix::process::getpid;

use crate::support::region::last_errno;
use crate::support::{
    Child, PAGE, Region, User, assert_painted, buffer, painted, proc, unique, window,
};

const OLD: u64 = 0x0100;

/// So many pages of a map, from that page on.
fn part(first: usize, pages: usize) -> MmapOptions {
    MmapOptions { offset: (first * PAGE) as u64, length: pages * PAGE, ..MmapOptions::default() }
}

/// A mapping that stays until it is unmapped.
fn mapped(map: &Map) -> Region {
    map.mmap().unwrap().into()
}

/// Addresses at which nothing is.
fn room(pages: usize) -> Region {
    let room = Region::reserve(pages);
    room.unmap().unwrap();
    room
}

/// Asserts that the region shows these pages of memory that is painted so.
#[track_caller]
fn assert_shows(region: Region, first: usize) {
    for page in 0..region.len() / PAGE {
        let expected = OLD + (first + page) as u64;
        assert_eq!(region.read(page * PAGE), expected, "page {page} of {region:?}");
    }
}

/// Asserts that nothing is known of the map that was not known before, but for page faults.
#[track_caller]
fn assert_unchanged(map: &Map, before: &MapInfo) {
    let mut now = map.info().unwrap();
    now.faults = before.faults;
    assert_eq!(now, *before);
}

fn is_mapped(page: Region) -> bool {
    proc::is_mapped(getpid(), page.address())
}

#[test]
fn anywhere() {
    let map = unique(&painted(3, OLD));
    let regions = [(); 3].map(|()| mapped(&map));
    for region in regions {
        assert_eq!((region.address() % PAGE, region.len()), (0, 3 * PAGE));
        assert_shows(region, 0);
    }
    for region in regions {
        region.unmap().unwrap();
    }
}

#[test]
fn where_it_is_told() {
    let map = unique(&painted(3, OLD));
    let place = room(3);
    let told = MmapOptions { address: Some(place.address()), ..MmapOptions::default() };
    assert_eq!(Region::from(map.mmap_with(told).unwrap()), place);
    assert_eq!(map.info().unwrap().address, Some(place.address() as u64));
    assert_shows(place, 0);
    place.unmap().unwrap();
}

#[test]
fn never_where_something_is() {
    const PAGES: usize = 4;
    let memory = painted(PAGES, OLD);
    let map = unique(&memory);
    let before = map.info().unwrap();
    for occupied in [0..PAGES, 0..1, 1..2, PAGES - 1..PAGES, 1..PAGES] {
        let place = room(PAGES);
        let there = place.pages(occupied.clone());
        there.fill().unwrap();
        there.write(0, 7);
        let told = MmapOptions { address: Some(place.address()), ..MmapOptions::default() };
        assert_eq!(map.mmap_with(told).unwrap_err().errno(), Errno::EXIST);
        assert_eq!(there.read(0), 7);
        for page in 0..PAGES {
            let single = place.pages(page..page + 1);
            assert_eq!(is_mapped(single), occupied.contains(&page), "page {page}, {occupied:?}");
        }
        assert_unchanged(&map, &before);
        there.unmap().unwrap();
    }
    // Itself is no exception.
    let region = mapped(&map);
    let address = Some(region.address() + PAGE);
    let refused = map.mmap_with(MmapOptions { address, ..part(0, 1) });
    assert_eq!(refused.unwrap_err().errno(), Errno::EXIST);
    assert_shows(region, 0);
    region.unmap().unwrap();
}

#[test]
fn nowhere_that_is_no_place() {
    let map = unique(&buffer(1));
    let before = map.info().unwrap();
    for (address, errno) in
        [(room(2).address() + 8, Errno::INVAL), (usize::MAX << 12, Errno::NOMEM)]
    {
        let told = MmapOptions { address: Some(address), ..part(0, 1) };
        assert_eq!(map.mmap_with(told).unwrap_err().errno(), errno, "{address:#x}");
        assert_unchanged(&map, &before);
    }
}

#[test]
fn many_times_each_at_its_own_offset() {
    const PAGES: usize = 5;
    let memory = painted(PAGES, OLD);
    let map = unique(&memory);
    let parts: Vec<_> =
        (0..PAGES).flat_map(|first| (1..=PAGES - first).map(move |pages| (first, pages))).collect();
    let map_part =
        |&(first, pages): &(usize, usize)| Region::from(map.mmap_with(part(first, pages)).unwrap());
    let regions: Vec<_> = parts.iter().map(map_part).collect();
    let users: Vec<_> = parts.iter().map(|part| User::with(|| map_part(part))).collect();
    for (&(first, _), region) in parts.iter().zip(&regions) {
        assert_shows(*region, first);
    }
    // What one writes all see who have that page.
    for page in 0..PAGES {
        let word = page * PAGE + 8;
        for (writer, &(first, pages)) in parts.iter().enumerate() {
            if !(first..first + pages).contains(&page) {
                continue;
            }
            let value = (page * 100 + writer) as u64;
            if writer % 2 == 0 {
                regions[writer].write(word - first * PAGE, value);
            } else {
                users[writer].write(word - first * PAGE, value);
            }
            for (reader, &(first, pages)) in parts.iter().enumerate() {
                if (first..first + pages).contains(&page) {
                    assert_eq!(regions[reader].read(word - first * PAGE), value);
                    assert_eq!(users[reader].read(word - first * PAGE), value);
                }
            }
            assert_eq!(window(&memory).load_u64(word), value);
        }
    }
    assert_painted(&memory, OLD);
    for region in regions {
        region.unmap().unwrap();
    }
}

#[test]
fn side_by_side() {
    // What the core would make one mapping of, were they a plain file's.
    let map = unique(&painted(3, OLD));
    let place = room(3);
    for page in [0, 2, 1] {
        let address = Some(place.address() + page * PAGE);
        map.mmap_with(MmapOptions { address, ..part(page, 1) }).unwrap().leak();
    }
    assert_shows(place, 0);
    place.pages(1..2).unmap().unwrap();
    assert_shows(place.pages(0..1), 0);
    assert_shows(place.pages(2..3), 2);
    place.unmap().unwrap();
}

#[test]
fn the_length_is_rounded_up() {
    let map = unique(&painted(2, OLD));
    for length in [1, PAGE - 1, PAGE, PAGE + 1] {
        let place = room(3);
        let address = Some(place.address());
        let told = MmapOptions { address, length, ..MmapOptions::default() };
        let region = Region::from(map.mmap_with(told).unwrap());
        for page in 0..3 {
            let single = place.pages(page..page + 1);
            assert_eq!(is_mapped(single), page * PAGE < length, "page {page}, {length} bytes");
        }
        region.unmap().unwrap();
    }
}

#[test]
fn nothing_beyond_the_map() {
    let memory = painted(8, OLD);
    // Five pages, of which the last is not asked for as a whole.
    let map = memory.map().offset(PAGE as u64).length(4 * PAGE as u64 + 1).create().unwrap();
    let before = map.info().unwrap();
    let refused = |offset, length| {
        let result = Region::map(&map, offset, length, ProtFlags::READ, MapFlags::SHARED);
        assert_eq!(result.unwrap_err(), Errno::INVAL, "{length} bytes from {offset} on");
        assert_unchanged(&map, &before);
    };
    let bytes = |pages: usize| (pages * PAGE) as u64;
    for (offset, length) in [
        (0, 6 * PAGE),
        (0, 5 * PAGE + 1),
        (0, 1 << 40),
        (bytes(1), 5 * PAGE),
        (bytes(4), 2 * PAGE),
        (bytes(5), PAGE),
        (bytes(6), 1),
        (1 << 62, PAGE),
        (0, 0),
        (1, PAGE),
        (bytes(1) + 8, 8),
    ] {
        refused(offset, length);
    }
    for (first, pages) in [(0, 5), (4, 1)] {
        let region = Region::from(map.mmap_with(part(first, pages)).unwrap());
        assert_shows(region, 1 + first);
        region.unmap().unwrap();
    }
}

#[test]
fn never_private() {
    let memory = painted(1, OLD);
    let maps = [unique(&memory), memory.map().read_only(true).create().unwrap()];
    for map in maps {
        let before = map.info().unwrap();
        for rights in [ProtFlags::empty(), ProtFlags::READ, ProtFlags::READ | ProtFlags::WRITE] {
            let result = Region::map(&map, 0, PAGE, rights, MapFlags::PRIVATE);
            assert_eq!(result.unwrap_err(), Errno::INVAL, "{rights:?}");
            assert_unchanged(&map, &before);
        }
    }
}

#[test]
fn never_executable() {
    let map = unique(&painted(2, OLD));
    let before = map.info().unwrap();
    for rights in [ProtFlags::EXEC, ProtFlags::READ | ProtFlags::EXEC, ProtFlags::all()] {
        for flags in [MapFlags::SHARED, MapFlags::PRIVATE] {
            let result = Region::map(&map, 0, PAGE, rights, flags);
            assert_eq!(result.unwrap_err(), Errno::PERM, "{rights:?}, {flags:?}");
            assert_unchanged(&map, &before);
        }
    }
    let region = mapped(&map).moved();
    region.pages(0..1).show_file_pages(1).unwrap();
    for rights in [MprotectFlags::EXEC, MprotectFlags::READ | MprotectFlags::EXEC] {
        for place in [region, region.pages(0..1), region.pages(1..2)] {
            assert_eq!(place.protect(rights), Err(Errno::ACCESS), "{rights:?}");
        }
    }
    assert_shows(region.pages(0..1), 1);
    assert_shows(region.pages(1..2), 1);
    region.unmap().unwrap();
}

#[test]
fn not_executable_for_old_programs_either() {
    // For which the kernel makes whatever is readable executable, where it can be.
    let map = unique(&painted(1, OLD));
    Child::fork(|_| {
        // SAFETY: it changes what later mmaps of this process do, and that is wanted.
        let before = unsafe { libc::personality(libc::READ_IMPLIES_EXEC as libc::c_ulong) };
        assert_ne!(before, -1, "{}", last_errno());
        let region = mapped(&map);
        region.protect(MprotectFlags::READ).unwrap();
        let own = Region::reserve(1);
        own.protect(MprotectFlags::READ).unwrap();
        assert_eq!([rights(region), rights(own)], ["r--s", "r-xp"]);
        assert_shows(region, 0);
    })
    .succeed();
}

/// The rights of what is mapped there, as the kernel shows them.
fn rights(region: Region) -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{:x}-", region.address());
    let line = maps.lines().find(|line| line.starts_with(&start)).expect("it is mapped");
    line.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn memory_is_mapped_through_maps_only() {
    let memory = painted(1, OLD);
    let result = Region::map(&memory, 0, PAGE, ProtFlags::READ, MapFlags::SHARED);
    assert_eq!(result.unwrap_err(), Errno::NODEV);
    assert_eq!(memory.info().unwrap().maps, 0);
}

#[test]
fn no_advice_loses_data() {
    let memory = painted(4, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    for advice in [
        Advice::LinuxDontNeed,
        Advice::LinuxDontneedLocked,
        Advice::LinuxFree,
        Advice::LinuxRemove,
        Advice::LinuxCold,
        Advice::LinuxPageOut,
        Advice::LinuxMergeable,
        Advice::LinuxHugepage,
        Advice::LinuxNoHugepage,
        Advice::LinuxWipeOnFork,
        Advice::LinuxPopulateRead,
        Advice::LinuxPopulateWrite,
        Advice::WillNeed,
    ] {
        // Taken or refused.
        let _ = region.advise(advice);
        assert_shows(region, 0);
        assert_painted(&memory, OLD);
    }
    region.unmap().unwrap();
}
