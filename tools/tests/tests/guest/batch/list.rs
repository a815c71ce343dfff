// SPDX-License-Identifier: MIT OR Apache-2.0

//! The list of maps, which is in the caller's memory.

use iomd::Errno;
use iomd_sys as sys;

use super::{Maps, NEW, OLD, argument, refused};
use crate::support::{PAGE, Region, User, client, raw};

const SIZE: usize = size_of::<sys::iomd_batch_entry>();

/// Puts an entry into memory that is not Rust's.
fn write(region: Region, offset: usize, entry: &sys::iomd_batch_entry) {
    region.write(offset, u64::from(entry.map as u32) | (u64::from(entry.descriptor as u32) << 32));
    region.write(offset + 8, entry.offset);
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    let maps = Maps::<4>::new();
    let before = maps.info();
    let entries = maps.entries();
    for readable in 0..entries.len() {
        // The rest of the list is on a page that is not there.
        let region = Region::reserve(2);
        region.pages(0..1).unmap().unwrap();
        region.pages(0..1).fill().unwrap();
        for (number, entry) in entries.iter().take(readable).enumerate() {
            let offset = PAGE - SIZE * (readable - number);
            write(region, offset, entry);
        }
        let start = (region.address() + PAGE - SIZE * readable) as u64;
        let argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::FAULT, "{readable} entries can be read");
        assert_eq!(maps.info(), before);
        region.unmap().unwrap();
    }
    for start in [0, 8, u64::MAX - 7, 1 << 63, 0xffff_8000_0000_0000] {
        let argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::FAULT);
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}

#[test]
fn a_list_may_be_in_a_map_that_it_redirects() {
    let maps = Maps::<2>::new();
    let entries = maps.entries();
    let region = Region::from(maps.maps[0].mmap().unwrap());
    for (number, entry) in entries.iter().enumerate() {
        write(region, 64 + SIZE * number, entry);
    }
    let start = region.address() as u64 + 64;
    let mut argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
    raw::call(client(), sys::IOMD_REDIRECT_BATCH, &mut argument).unwrap();
    assert_eq!(argument.pinned, 0);
    assert_eq!(region.read(0), NEW);
    assert_eq!(User::of(&maps.maps[1]).read(0), NEW + 1);
}
