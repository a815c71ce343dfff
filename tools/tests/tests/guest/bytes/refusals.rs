// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is not inside, not allowed, or not there.

use std::hint;
use std::time::Instant;

use iomd::{Descriptor, Errno, MmapOptions, Purgeable};
use iomd_sys::{IOMD_READ_BYTES, IOMD_WRITE_BYTES, iomd_read_bytes, iomd_write_bytes};
use rustix::mm::MprotectFlags;
use rustix::process::Signal;

use super::{NEW, OLD, read};
use crate::support::raw::{call, size};
use crate::support::{Child, End, LIMIT, PAGE, Region, assert_painted, client, painted, window};

const PAGES: usize = 2;
const END: u64 = (PAGES * PAGE) as u64;

/// Reads with any argument; how many bytes.
fn read_to(memory: &Descriptor, offset: u64, length: u64, address: usize) -> Result<u64, Errno> {
    let mut argument = iomd_read_bytes {
        size: size::<iomd_read_bytes>(),
        offset,
        length,
        address: address as u64,
        ..Default::default()
    };
    call(memory, IOMD_READ_BYTES, &mut argument).map(|()| argument.done)
}

/// Writes with any argument; how many bytes.
fn write_from(memory: &Descriptor, offset: u64, length: u64, address: usize) -> Result<u64, Errno> {
    let mut argument = iomd_write_bytes {
        size: size::<iomd_write_bytes>(),
        offset,
        length,
        address: address as u64,
        ..Default::default()
    };
    call(memory, IOMD_WRITE_BYTES, &mut argument).map(|()| argument.done)
}

#[test]
fn a_range_that_is_not_all_inside_is_no_bytes() {
    let memory = painted(PAGES, OLD);
    let region = Region::reserve(PAGES);
    for (offset, length) in [
        (END, 1),
        (END - 1, 2),
        (0, END + 1),
        (END + 1, 0),
        (END + 1, 1),
        (u64::MAX, 1),
        (1, u64::MAX),
        (u64::MAX, u64::MAX),
    ] {
        // Not even the caller's memory is looked at.
        let [read, write] =
            [read_to, write_from].map(|access| access(&memory, offset, length, region.address()));
        assert_eq!((read, write), (Ok(0), Ok(0)), "{length} bytes from {offset} on");
    }
    // Nothing is nothing, also at the end.
    for offset in [0, 1, END] {
        assert_eq!(read_to(&memory, offset, 0, 0), Ok(0));
        assert_eq!(write_from(&memory, offset, 0, 0), Ok(0));
    }
    assert_painted(&memory, OLD);
    region.unmap().unwrap();
}

#[test]
fn memory_of_the_caller_that_is_not_there_is_refused() {
    let memory = painted(PAGES, OLD);
    let region = Region::reserve(2);
    region.pages(0..1).protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
    for address in [0, region.address() + PAGE, usize::MAX - 3, 0xffff_8880_0010_0000] {
        assert_eq!(read_to(&memory, 0, 8, address), Err(Errno::FAULT), "{address:#x}");
        assert_eq!(write_from(&memory, 0, 8, address), Err(Errno::FAULT), "{address:#x}");
    }
    assert_painted(&memory, OLD);

    // In part: what was done before is told of, in whole pages of the memory.
    region.write(0, NEW);
    assert_eq!(read_to(&memory, 0, END, region.address()), Ok(PAGE as u64));
    assert_eq!(region.read(0), OLD);
    region.write(0, NEW);
    assert_eq!(write_from(&memory, 0, END, region.address()), Ok(PAGE as u64));
    assert_eq!(window(&memory).load_u64(0), NEW);
    assert_eq!(window(&memory).load_u64(PAGE), OLD + 1);

    region.pages(0..1).protect(MprotectFlags::READ).unwrap();
    assert_eq!(read_to(&memory, 0, 8, region.address()), Err(Errno::FAULT));
    assert_eq!(write_from(&memory, 8, 8, region.address()), Ok(8));
    region.unmap().unwrap();
}

#[test]
fn who_may_only_read_does_not_write() {
    let memory = painted(PAGES, OLD);
    let read_only = memory.read_only().unwrap();
    assert_eq!(read_only.write_bytes(0, &[7]).unwrap_err().errno(), Errno::ACCESS);
    // Also where nothing would come of it.
    assert_eq!(read_only.write_bytes(END, &[7]).unwrap_err().errno(), Errno::ACCESS);
    assert_eq!(read(&read_only, 0, 8), OLD.to_ne_bytes());
    assert_painted(&memory, OLD);
}

#[test]
fn memory_that_was_taken_is_refused_until_it_is_back() {
    for sparse in [false, true] {
        let memory =
            if sparse { client().sparse_buffer(END).unwrap() } else { painted(PAGES, OLD) };
        memory.set_purgeable(Purgeable::Volatile).unwrap();
        assert_eq!(memory.write_bytes(1, &[7]).unwrap(), 1, "it is there");
        memory.set_purgeable(Purgeable::Empty).unwrap();
        let mut bytes = [0xa5; 8];
        assert_eq!(memory.read_bytes(0, &mut bytes).unwrap_err().errno(), Errno::NODATA);
        assert_eq!(bytes, [0xa5; 8]);
        assert_eq!(memory.write_bytes(0, &[7]).unwrap_err().errno(), Errno::NODATA);
        assert_eq!(memory.info().unwrap().resident, 0);
        memory.set_purgeable(Purgeable::NonVolatile).unwrap();
        assert_eq!(read(&memory, 0, 8), [0; 8]);
        assert_eq!(memory.write_bytes(0, &[7]).unwrap(), 1);
    }
}

/// Mappings, one after the other, of `first` again and again and then of `last`.
fn row(first: &Descriptor, times: usize, last: &Descriptor) -> Region {
    let piece = first.info().unwrap().length as usize;
    let row = Region::reserve((times + 1) * piece / PAGE);
    row.unmap().unwrap();
    let first = first.map().keep(true).create().unwrap();
    let last = last.map().keep(true).create().unwrap();
    for number in 0..=times {
        let map = if number < times { &first } else { &last };
        let address = Some(row.address() + number * piece);
        map.mmap_with(MmapOptions { address, ..Default::default() }).unwrap().leak();
    }
    row
}

#[test]
fn who_is_killed_stops() {
    const PIECE: usize = (2 << 20) / PAGE;
    let start = Instant::now();
    loop {
        let (first, last) = (painted(PIECE, OLD), painted(PIECE, OLD));
        let zeros = client().sparse_buffer(1 << 40).unwrap();
        let reader = Child::fork(|_| {
            let row = row(&first, 255, &last);
            let done = read_to(&zeros, 5, row.len() as u64, row.address());
            assert_eq!(done, Ok(row.len() as u64));
        });
        let seen = window(&first);
        while seen.load_u64(0) == OLD {
            assert!(start.elapsed() < LIMIT, "it does not begin");
            hint::spin_loop();
        }
        let end = reader.kill();
        if window(&last).load_u64((PIECE - 1) * PAGE) == 0 {
            // It was over before.
            assert!(start.elapsed() < LIMIT, "nobody is ever killed in the middle");
            continue;
        }
        assert_eq!(end, End::Killed(Signal::KILL));
        break;
    }
}
