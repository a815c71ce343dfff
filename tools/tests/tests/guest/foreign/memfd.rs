// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of files: memfds above all.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};

use iomd::{Descriptor, Direction, Errno};
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
};
use rustix::io::{pread, pwrite};

use super::{leaves_no_pin, pinned};
use crate::support::{PAGE, assert_painted, client, window};

const PAGES: usize = 4;
const LENGTH: u64 = (PAGES * PAGE) as u64;
const TAG: u64 = 0x0d00;

/// A memfd whose pages begin with `TAG` plus their numbers.
fn painted_file() -> OwnedFd {
    let file = memfd_create("painted", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&file, LENGTH).unwrap();
    for page in 0..PAGES as u64 {
        pwrite(&file, &(TAG + page).to_ne_bytes(), page * PAGE as u64).unwrap();
    }
    file
}

fn word(file: &OwnedFd, page: usize) -> u64 {
    let mut bytes = [0; 8];
    pread(file, &mut bytes, (page * PAGE) as u64).unwrap();
    u64::from_ne_bytes(bytes)
}

fn import(file: &OwnedFd, direction: Direction) -> Result<Descriptor, Errno> {
    client().import_memfd(file, 0, 0, direction).map_err(|error| error.errno())
}

#[test]
fn file_and_map_see_what_either_writes() {
    leaves_no_pin(|| {
        let file = painted_file();
        let before = pinned();
        let memory = import(&file, Direction::InOut).unwrap();
        assert_eq!(pinned() - before, PAGES as i64);
        let info = memory.info().unwrap();
        assert_eq!((info.length, info.resident), (LENGTH, LENGTH));
        let shown = window(&memory);
        for page in 0..PAGES {
            assert_eq!(shown.load_u64(page * PAGE), TAG + page as u64);
            shown.store_u64(page * PAGE, 1);
            assert_eq!(word(&file, page), 1);
            pwrite(&file, &2_u64.to_ne_bytes(), (page * PAGE) as u64).unwrap();
            assert_eq!(shown.load_u64(page * PAGE), 2);
        }
        // Without the file it stays.
        drop(file);
        assert_eq!(shown.load_u64(0), 2);
    });
}

#[test]
fn a_part_is_where_it_was_asked_for() {
    leaves_no_pin(|| {
        let (client, file) = (client(), painted_file());
        let page = PAGE as u64;
        let import = |offset, length| {
            let memory = client.import_memfd(&file, offset, length, Direction::InOut);
            memory.map_err(|error| error.errno())
        };
        for (offset, length, first) in [(page, page, 1), (2 * page, 0, 2), (0, 3 * page, 0)] {
            assert_painted(&import(offset, length).unwrap(), TAG + first);
        }
        for (offset, length, errno) in [
            (LENGTH, 0, Errno::RANGE),
            (LENGTH, page, Errno::RANGE),
            (page, LENGTH, Errno::RANGE),
            (page, 0_u64.wrapping_sub(page), Errno::OVERFLOW),
        ] {
            assert_eq!(import(offset, length).unwrap_err(), errno, "{offset}, {length}");
        }
    });
}

#[test]
fn holes_get_memory() {
    leaves_no_pin(|| {
        let file = memfd_create("holes", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, LENGTH).unwrap();
        let memory = import(&file, Direction::InOut).unwrap();
        window(&memory).store_u64(PAGE, 1);
        drop(memory);
        assert_eq!([0, 1, 2].map(|page| word(&file, page)), [0, 1, 0]);
    });
}

/// What the file no longer has the descriptor has still, and the file's new pages are others.
#[test]
fn a_file_that_loses_pages_takes_none_away() {
    let page = PAGE as u64;
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for what in ["shrunk", "punched"] {
        leaves_no_pin(|| {
            let file = painted_file();
            let memory = import(&file, Direction::InOut).unwrap();
            let shown = window(&memory);
            assert_eq!(shown.load_u64(PAGE), TAG + 1);
            if what == "shrunk" {
                ftruncate(&file, page).unwrap();
                ftruncate(&file, LENGTH).unwrap();
            } else {
                fallocate(&file, punch, page, LENGTH - page).unwrap();
            }
            assert_eq!(word(&file, 1), 0, "{what}");
            assert_painted(&memory, TAG);
            shown.store_u64(0, 1);
            shown.store_u64(PAGE, 2);
            assert_eq!((word(&file, 0), word(&file, 1)), (1, 0), "{what}");
        });
    }
}

#[test]
fn what_is_sealed_against_writing_is_not_written() {
    leaves_no_pin(|| {
        for seal in [SealFlags::WRITE, SealFlags::FUTURE_WRITE] {
            let file = painted_file();
            fcntl_add_seals(&file, seal | SealFlags::SHRINK | SealFlags::GROW).unwrap();
            for direction in [Direction::In, Direction::InOut] {
                assert_eq!(import(&file, direction).unwrap_err(), Errno::PERM);
            }
            let memory = import(&file, Direction::Out).unwrap();
            assert_eq!(memory.map().create().unwrap_err().errno(), Errno::ACCESS);
            let map = memory.map().read_only(true).create().unwrap();
            assert_eq!(map.mmap().unwrap().load_u64(PAGE), TAG + 1);
        }
    });
}

/// Who seals a file against writing can rely on it: while others can write it that is refused.
#[test]
fn what_is_imported_is_not_sealed_against_writing() {
    leaves_no_pin(|| {
        let file = painted_file();
        let memory = import(&file, Direction::InOut).unwrap();
        assert_eq!(fcntl_add_seals(&file, SealFlags::WRITE), Err(Errno::BUSY));
        drop(memory);
        fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    });
}

#[test]
fn a_file_is_open_for_what_is_done_with_it() {
    leaves_no_pin(|| {
        let file = painted_file();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let read_only: OwnedFd = File::open(&path).unwrap().into();
        assert_eq!(import(&read_only, Direction::InOut).unwrap_err(), Errno::ACCESS);
        assert_painted_read_only(&import(&read_only, Direction::Out).unwrap());
        let write_only: OwnedFd = File::options().write(true).open(&path).unwrap().into();
        for direction in [Direction::In, Direction::Out] {
            assert_eq!(import(&write_only, direction).unwrap_err(), Errno::ACCESS);
        }
        let by_path = rustix::fs::OFlags::PATH;
        let by_path = rustix::fs::open(&path, by_path, rustix::fs::Mode::empty()).unwrap();
        assert_eq!(import(&by_path, Direction::Out).unwrap_err(), Errno::BADF);
    });
}

fn assert_painted_read_only(memory: &Descriptor) {
    let map = memory.map().read_only(true).create().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(PAGE), TAG + 1);
}

#[test]
fn only_files_in_memory_are_imported() {
    for path in ["/dev/null", "/proc/self/stat", "/dev/iomd"] {
        let file: OwnedFd = File::options().read(true).open(path).unwrap().into();
        assert_eq!(import(&file, Direction::Out).unwrap_err(), Errno::INVAL, "{path}");
    }
    // Of tmpfs, too.
    let path = "/tmp/imported";
    fs::write(path, [1; PAGE]).unwrap();
    let file: OwnedFd = File::options().read(true).write(true).open(path).unwrap().into();
    fs::remove_file(path).unwrap();
    let memory = import(&file, Direction::InOut).unwrap();
    assert_eq!(window(&memory).load_u64(0), u64::from_ne_bytes([1; 8]));
}
