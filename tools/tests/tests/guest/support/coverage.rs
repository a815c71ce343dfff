// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which code of the kernel a thread runs through, as a debug kernel tells.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

use iomd::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use super::Region;
use super::region::last_errno;

/// KCOV, for the calling thread.
pub struct Coverage {
    file: File,
    /// A count, and as many addresses.
    trace: Region,
}

const INIT_TRACE: u64 = 0x8008_6301;
const ENABLE: u64 = 0x6364;
const DISABLE: u64 = 0x6365;

/// In words.
const TRACE: usize = 1 << 16;

impl Coverage {
    pub fn new() -> Self {
        let file = OpenOptions::new().read(true).write(true).open("/sys/kernel/debug/kcov");
        let file = file.expect("this is a debug kernel");
        set(&file, INIT_TRACE, TRACE).expect("it is new");
        let both = ProtFlags::READ | ProtFlags::WRITE;
        let trace = Region::map(&file, 0, TRACE * 8, both, MapFlags::SHARED).expect("it is there");
        Self { file, trace }
    }

    /// The places in the kernel that this runs through, of those that tell.
    pub fn of(&self, work: impl FnOnce()) -> BTreeSet<u64> {
        set(&self.file, ENABLE, 0).expect("nobody else traces this thread");
        self.trace.write(0, 0);
        work();
        let count = self.trace.read(0) as usize;
        set(&self.file, DISABLE, 0).expect("it was enabled");
        assert!(count + 1 < TRACE, "the trace was cut off");
        (1..=count).map(|place| self.trace.read(place * 8)).collect()
    }
}

impl Drop for Coverage {
    fn drop(&mut self) {
        self.trace.unmap().expect("it is mapped");
    }
}

fn set(file: &File, request: u64, argument: usize) -> Result<(), Errno> {
    // SAFETY: KCOV's calls take a number.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), request, argument) };
    if done == 0 { Ok(()) } else { Err(last_errno()) }
}
