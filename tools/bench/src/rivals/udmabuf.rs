// SPDX-License-Identifier: MIT OR Apache-2.0

//! A dma-buf of a memfd's pages: `/dev/udmabuf`.

use std::fs::OpenOptions;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Context, Result};
use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::ioctl::opcode;

use crate::rivals::memfd;
use crate::world::bytes;

/// `struct udmabuf_create`.
#[repr(C)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

const CREATE: u32 = opcode::write::<Create>(b'u', 0x42);

/// A dma-buf of so many pages.
pub fn full(pages: usize) -> Result<OwnedFd> {
    let device = "/dev/udmabuf";
    let device = OpenOptions::new().read(true).write(true).open(device).context(device)?;
    let memory = memfd::full(pages)?;
    fcntl_add_seals(&memory, SealFlags::SHRINK)?;
    let create =
        Create { memfd: memory.as_raw_fd().try_into()?, flags: 0, offset: 0, size: bytes(pages) };
    create_of(&device, &create)
}

fn create_of(device: &std::fs::File, create: &Create) -> Result<OwnedFd> {
    // SAFETY: the call takes that structure. rustix has no call that hands one over and returns a
    // number.
    let fd = unsafe { libc::ioctl(device.as_raw_fd(), CREATE.into(), create) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error()).context("UDMABUF_CREATE");
    }
    // SAFETY: it is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
