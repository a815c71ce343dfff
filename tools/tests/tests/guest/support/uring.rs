// SPDX-License-Identifier: MIT OR Apache-2.0

//! io_uring, the part of it that the tests need.

use std::os::fd::{AsFd, AsRawFd};

use io_uring::{IoUring, opcode, squeue, types};
use iomd::Errno;

use super::Region;

/// A ring on which one request at a time is made.
pub struct Ring(IoUring);

impl Ring {
    pub fn new() -> Self {
        Self(IoUring::new(1).expect("the kernel lets root use io_uring"))
    }

    /// Registers memory as fixed buffer 0: its pages stay pinned until it is unregistered.
    pub fn register(&self, memory: Region) -> Result<(), Errno> {
        let buffer = libc::iovec { iov_base: memory.as_ptr(), iov_len: memory.len() };
        // SAFETY: a region is nothing of Rust's, and may be written to at any time.
        let registered = unsafe { self.0.submitter().register_buffers(&[buffer]) };
        registered.map_err(|error| Errno::from_io_error(&error).expect("the system's error"))
    }

    /// Lets go of fixed buffer 0.
    pub fn unregister(&self) {
        self.0.submitter().unregister_buffers().expect("it was registered");
    }

    /// Reads from a file into fixed buffer 0, which was registered as `memory`.
    pub fn read_fixed(&mut self, file: impl AsFd, memory: Region) -> Result<u64, Errno> {
        let file = types::Fd(file.as_fd().as_raw_fd());
        let length = memory.len() as u32;
        let request = opcode::ReadFixed::new(file, memory.as_ptr().cast(), length, 0);
        self.run(request.build())
    }

    /// Reads from a file into memory, in one of the kernel's workers.
    pub fn read_in_worker(&mut self, file: impl AsFd, memory: Region) -> Result<u64, Errno> {
        let file = types::Fd(file.as_fd().as_raw_fd());
        let request = opcode::Read::new(file, memory.as_ptr().cast(), memory.len() as u32);
        self.run(request.build().flags(squeue::Flags::ASYNC))
    }

    /// Begins to wait for something to read from a file, and does not wait for that.
    pub fn watch(&mut self, file: impl AsFd) {
        let file = types::Fd(file.as_fd().as_raw_fd());
        let request = opcode::PollAdd::new(file, libc::POLLIN as u32).build();
        // SAFETY: it has no memory of ours.
        unsafe { self.0.submission().push(&request) }.expect("the ring has room");
        self.0.submit().expect("the kernel takes the request");
    }

    fn run(&mut self, request: squeue::Entry) -> Result<u64, Errno> {
        // SAFETY: it writes to a region, and is done before this returns.
        unsafe { self.0.submission().push(&request) }.expect("the ring has room");
        loop {
            match self.0.submit_and_wait(1) {
                Ok(_) => break,
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => panic!("io_uring_enter: {error}"),
            }
        }
        let result = self.0.completion().next().expect("it is complete").result();
        if result < 0 { Err(Errno::from_raw_os_error(-result)) } else { Ok(result as u64) }
    }
}
