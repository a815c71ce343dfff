// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps in the kernel's own address space: IOMemoryDescriptor::map, IOMappedRead8 and its like.

mod refusals;
mod waits;
mod widths;

use iomd::{Descriptor, Map};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// A map in the kernel that may be redirected.
fn in_kernel(memory: &Descriptor) -> Map {
    memory.map().unique(true).in_kernel(true).create().expect("a map is made")
}
