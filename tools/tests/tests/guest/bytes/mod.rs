// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bytes of a descriptor without a map: IOMemoryDescriptor::readBytes and writeBytes.

mod contents;
mod copied;
mod kinds;
mod refusals;
mod suspended;

use iomd::Descriptor;

use crate::support::PAGE;

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Bytes of which no two that are close are the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// What a descriptor has there.
#[track_caller]
fn read(descriptor: &Descriptor, offset: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; length];
    assert_eq!(descriptor.read_bytes(offset as u64, &mut bytes).unwrap(), length);
    bytes
}

/// Offsets and lengths at all edges of a memory of so many pages.
fn edges(pages: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = pages * PAGE;
    let places = [0, 1, 7, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 3, end - PAGE - 5, end - 1, end];
    places.into_iter().flat_map(move |from| {
        places.into_iter().filter(move |to| *to >= from).map(move |to| (from, to - from))
    })
}
