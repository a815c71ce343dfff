// SPDX-License-Identifier: MIT OR Apache-2.0

//! Page faults as messages: userfaultfd(2).

use std::os::fd::OwnedFd;

use anyhow::{Context, Result, ensure};
use linux_raw_sys::general as sys;
use rustix::io::{Errno, read};
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use rustix::mm::{UserfaultfdFlags, userfaultfd};

use crate::region::{PAGE, Region};

const API: Opcode = opcode::read_write::<sys::uffdio_api>(TYPE, 0x3f);
const REGISTER: Opcode = opcode::read_write::<sys::uffdio_register>(TYPE, 0);
const COPY: Opcode = opcode::read_write::<sys::uffdio_copy>(TYPE, 3);
const WRITEPROTECT: Opcode = opcode::read_write::<sys::uffdio_writeprotect>(TYPE, 6);
/// Its structure is the same.
const RWPROTECT: Opcode = opcode::read_write::<sys::uffdio_writeprotect>(TYPE, 9);
const TYPE: u8 = 0xaa;

/// What is done about accesses.
#[derive(Clone, Copy)]
pub enum Mode {
    /// Those to pages that are not there wait.
    Missing,
    /// Those that write to protected pages wait.
    WriteProtect,
    /// Those to protected pages wait.
    ReadWriteProtect,
}

impl Mode {
    /// The bit to register a region with, and the feature that it takes.
    fn bits(self) -> (u64, u64) {
        match self {
            Mode::Missing => (1, 0),
            Mode::WriteProtect => (1 << 1, sys::UFFD_FEATURE_WP_HUGETLBFS_SHMEM.into()),
            Mode::ReadWriteProtect => (1 << 3, 1 << 17),
        }
    }
}

/// Accesses to a region are told of here.
pub struct Userfaultfd(OwnedFd, Mode);

impl Userfaultfd {
    /// Of this region.
    pub fn of(region: &Region, mode: Mode) -> Result<Self> {
        // SAFETY: the region is this program's own, and no reference is made to it.
        let file = unsafe {
            // Without privilege: accesses of system calls are not told of.
            userfaultfd(UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::from_bits_retain(1))
        };
        let it = Self(file.context("userfaultfd")?, mode);
        let (mode, features) = mode.bits();
        it.call::<API, _>(sys::uffdio_api { api: sys::UFFD_API.into(), features, ioctls: 0 })?;
        it.call::<REGISTER, _>(sys::uffdio_register {
            range: range(region, 0, region.length() / PAGE),
            mode,
            ioctls: 0,
        })?;
        Ok(it)
    }

    /// Protects all of the region, or lets it go.
    pub fn protect(&self, region: &Region, protect: bool) -> Result<()> {
        let range = range(region, 0, region.length() / PAGE);
        let argument = sys::uffdio_writeprotect { range, mode: protect.into() };
        match self.1 {
            Mode::ReadWriteProtect => self.call::<RWPROTECT, _>(argument)?,
            _ => self.call::<WRITEPROTECT, _>(argument)?,
        };
        Ok(())
    }

    /// Waits until an access waits, and says where; `None` where that is elsewhere.
    pub fn wait(&self, region: &Region) -> Result<Option<usize>> {
        let mut message = [0; size_of::<sys::uffd_msg>()];
        ensure!(read(&self.0, &mut message)? == message.len(), "half a message");
        // Event, and after eight bytes flags and address.
        let address = u64::from_ne_bytes(message[16..24].try_into()?);
        let offset = address.checked_sub(region.address().addr() as u64);
        Ok(offset.map(|offset| offset as usize / PAGE))
    }

    /// Puts a page in, with these bytes, and lets accesses to it go on.
    pub fn copy(&self, region: &Region, page: usize, bytes: &[u8; PAGE]) -> Result<()> {
        let sys::uffdio_range { start, len } = range(region, page, 1);
        let src = bytes.as_ptr().addr() as u64;
        self.call::<COPY, _>(sys::uffdio_copy { dst: start, src, len, mode: 0, copy: 0 })?;
        Ok(())
    }

    fn call<const CALL: Opcode, T>(&self, mut argument: T) -> Result<(), Errno> {
        // SAFETY: each number is that of a call that takes this structure; what it points to is there.
        let call = unsafe { Updater::<CALL, T>::new(&mut argument) };
        // SAFETY: as above.
        unsafe { ioctl(&self.0, call) }
    }
}

fn range(region: &Region, page: usize, pages: usize) -> sys::uffdio_range {
    let start = region.address().addr() + page * PAGE;
    sys::uffdio_range { start: start as u64, len: (pages * PAGE) as u64 }
}
