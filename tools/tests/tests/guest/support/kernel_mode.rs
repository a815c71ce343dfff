// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses that the kernel makes for a process, which wait if they may.

use std::os::fd::AsRawFd;

use iomd::{Errno, Map};
use rustix::pipe::pipe;

use super::region::last_errno;
use super::uring::Ring;
use super::{Child, Region};

/// An access to a region's first word. It ends with [`DONE`].
pub type Access = fn(Region) -> Result<u64, Errno>;

pub const DONE: u64 = 8;

pub const ACCESSES: [(&str, Access); 3] = [("write(2)", read), ("read(2)", write), ("pin", pin)];

/// Has the kernel read the word.
pub fn read(region: Region) -> Result<u64, Errno> {
    let (_reader, writer) = pipe().expect("a pipe is made");
    // SAFETY: a region is nothing of Rust's.
    outcome(unsafe { libc::write(writer.as_raw_fd(), region.as_ptr(), 8) })
}

/// Has the kernel write the word, as it is.
fn write(region: Region) -> Result<u64, Errno> {
    let (reader, writer) = pipe().expect("a pipe is made");
    rustix::io::write(&writer, &0x0100_u64.to_ne_bytes()).expect("the pipe has room");
    // SAFETY: a region is nothing of Rust's.
    outcome(unsafe { libc::read(reader.as_raw_fd(), region.as_ptr(), 8) })
}

fn pin(region: Region) -> Result<u64, Errno> {
    Ring::new().register(region).map(|()| DONE)
}

fn outcome(result: isize) -> Result<u64, Errno> {
    if result < 0 { Err(last_errno()) } else { Ok(result as u64) }
}

/// A process that makes the access, and tells how it ended.
pub fn access(map: &Map, access: Access) -> Child {
    Child::fork(|parent| {
        let region = Region::from(map.mmap().expect("the map is mapped"));
        parent.say_outcome(access(region));
    })
}
