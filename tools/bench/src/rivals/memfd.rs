// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory as a file: memfd_create(2).

use std::os::fd::OwnedFd;

use anyhow::Result;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::Advice;

use crate::region::Region;
use crate::world::bytes;

/// A file of so many pages, none of which is there yet.
pub fn empty(pages: usize) -> Result<OwnedFd> {
    let file = memfd_create("bench", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, bytes(pages))?;
    Ok(file)
}

/// A file of so many pages, which have been written to.
pub fn full(pages: usize) -> Result<OwnedFd> {
    let file = empty(pages)?;
    Region::of(&file, pages)?.advise(Advice::LinuxPopulateWrite)?;
    Ok(file)
}
