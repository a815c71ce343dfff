// SPDX-License-Identifier: MIT OR Apache-2.0

//! A debugger.

use std::ffi::{c_int, c_long, c_uint};
use std::ptr;

use iomd::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use super::region::last_errno;
use super::{Child, eventually};

/// A debugger's hold on a process, which is stopped; the process goes on when this is dropped.
pub struct Traced<'a> {
    child: &'a Child,
}

impl<'a> Traced<'a> {
    /// Stops a process as gdb does today: PTRACE_SEIZE and PTRACE_INTERRUPT.
    pub fn seize(child: &'a Child) -> Self {
        request(libc::PTRACE_SEIZE, child.pid(), 0, 0).expect("root may trace");
        let traced = Self { child };
        request(libc::PTRACE_INTERRUPT, child.pid(), 0, 0).expect("it is traced");
        traced.await_stop();
        traced
    }

    /// Stops a process as debuggers always did: PTRACE_ATTACH.
    pub fn attach(child: &'a Child) -> Self {
        request(libc::PTRACE_ATTACH, child.pid(), 0, 0).expect("root may trace");
        let traced = Self { child };
        traced.await_stop();
        traced
    }

    /// Reads a word of the process's memory.
    pub fn peek(&self, address: usize) -> Result<u64, Errno> {
        // The system call, unlike the C library's function, returns the word through a pointer.
        let mut word: u64 = 0;
        let place = (&raw mut word).expose_provenance();
        // SAFETY: the kernel writes one word to the place.
        let result = unsafe {
            libc::syscall(
                libc::SYS_ptrace,
                libc::PTRACE_PEEKDATA,
                self.child.pid().as_raw_nonzero().get(),
                address,
                place,
            )
        };
        if result < 0 { Err(last_errno()) } else { Ok(word) }
    }

    /// Writes a word of the process's memory.
    pub fn poke(&self, address: usize, word: u64) -> Result<(), Errno> {
        request(libc::PTRACE_POKEDATA, self.child.pid(), address, word as usize)
    }

    /// Waits until the process is seen stopped.
    fn await_stop(&self) {
        eventually("the traced process stops", || {
            let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
            waitpid(Some(self.child.pid()), options)
                .expect("it is our child")
                .is_some_and(|(_, status): (Pid, WaitStatus)| status.stopped())
        });
    }
}

impl Drop for Traced<'_> {
    fn drop(&mut self) {
        // It may have been killed.
        let _ = request(libc::PTRACE_DETACH, self.child.pid(), 0, 0);
    }
}

fn request(kind: c_uint, pid: Pid, address: usize, data: usize) -> Result<(), Errno> {
    let address = ptr::without_provenance_mut::<c_int>(address);
    let data = ptr::without_provenance_mut::<c_int>(data);
    // SAFETY: none of the requests made here writes to this process's memory.
    let result: c_long = unsafe { libc::ptrace(kind, pid.as_raw_nonzero().get(), address, data) };
    if result < 0 { Err(last_errno()) } else { Ok(()) }
}
