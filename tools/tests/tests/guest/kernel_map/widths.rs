// SPDX-License-Identifier: MIT OR Apache-2.0

//! One access of exactly the width that is asked for.

use iomd::CacheMode;

use super::{NEW, OLD, in_kernel};
use crate::support::{PAGE, buffer, client, painted, window};

const BYTES: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

#[test]
fn every_width_reads_so_much_at_every_offset() {
    let memory = buffer(2);
    let window = window(&memory);
    let map = in_kernel(&memory);
    // Aligned or not, up to the last byte of a page.
    for place in [0, 1, 3, 60, PAGE - 8, PAGE, 2 * PAGE - 8] {
        window.write_bytes(place, &BYTES);
        let at = place as u64;
        assert_eq!(map.mapped_read_u8(at).unwrap(), 0x11);
        assert_eq!(map.mapped_read_u16(at).unwrap(), 0x2211);
        assert_eq!(map.mapped_read_u32(at).unwrap(), 0x4433_2211);
        assert_eq!(map.mapped_read_u64(at).unwrap(), 0x8877_6655_4433_2211);
        assert_eq!(map.mapped_read_u8(at + 7).unwrap(), 0x88);
        assert_eq!(map.mapped_read_u16(at + 6).unwrap(), 0x8877);
    }
}

#[test]
fn every_width_writes_so_much_and_no_more() {
    let memory = buffer(2);
    let window = window(&memory);
    let map = in_kernel(&memory);
    for place in [8, 9, 11, PAGE - 8, PAGE, 2 * PAGE - 8] {
        for width in [1, 2, 4, 8] {
            let around = place - 8;
            window.write_bytes(around, &[0xee; 16]);
            let at = place as u64;
            match width {
                1 => map.mapped_write_u8(at, 0x11),
                2 => map.mapped_write_u16(at, 0x2211),
                4 => map.mapped_write_u32(at, 0x4433_2211),
                _ => map.mapped_write_u64(at, 0x8877_6655_4433_2211),
            }
            .unwrap();
            let mut expected = [0xee; 16];
            expected[8..8 + width].copy_from_slice(&BYTES[..width]);
            let mut seen = [0; 16];
            window.read_bytes(around, &mut seen);
            assert_eq!(seen, expected, "{width} bytes at {place}");
        }
    }
}

#[test]
fn a_map_of_a_part_begins_there() {
    let memory = painted(4, OLD);
    let map = memory.map().in_kernel(true).offset(PAGE as u64).create().unwrap();
    assert_eq!(map.mapped_read_u64(0).unwrap(), OLD + 1);
    map.mapped_write_u64(2 * PAGE as u64, NEW).unwrap();
    assert_eq!(window(&memory).load_u64(3 * PAGE), NEW);
}

#[test]
fn a_first_touch_brings_a_page() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = in_kernel(&memory);
    assert_eq!(map.mapped_read_u32(PAGE as u64).unwrap(), 0);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
    map.mapped_write_u8(3 * PAGE as u64, 7).unwrap();
    assert_eq!(memory.info().unwrap().resident, 2 * PAGE as u64);
    assert_eq!(window(&memory).load_u64(3 * PAGE), 7);
}

#[test]
fn every_cache_mode_is_reached_in_that_mode() {
    for mode in [CacheMode::Copyback, CacheMode::Inhibit, CacheMode::WriteCombine] {
        if !client().features().unwrap().cache_modes.contains(&mode) {
            continue;
        }
        let memory = buffer(1);
        // It chooses the mode for those of tasks too, and they for it.
        let map = memory.map().in_kernel(true).cache_mode(mode).create().unwrap();
        let mapping = memory.map().cache_mode(mode).create().unwrap().mmap().unwrap();
        map.mapped_write_u64(8, NEW).unwrap();
        drop(mapping);
        assert_eq!(map.mapped_read_u64(8).unwrap(), NEW);
        if mode != CacheMode::Copyback {
            let other = memory.map().cache_mode(CacheMode::Copyback).create();
            assert_eq!(other.unwrap_err().errno(), iomd::Errno::BUSY);
        }
    }
}

#[test]
fn it_tells_that_it_is_in_no_task() {
    let memory = painted(2, OLD);
    let map = in_kernel(&memory);
    let info = map.info().unwrap();
    assert!(info.in_kernel);
    assert_eq!((info.address, info.task), (None, None), "no address of the kernel's is told");
    assert_eq!(info.length, 2 * PAGE as u64);
    assert_eq!(memory.info().unwrap().maps, 1);
    assert!(!memory.map().create().unwrap().info().unwrap().in_kernel);
}
