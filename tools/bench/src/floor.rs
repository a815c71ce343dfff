// SPDX-License-Identifier: MIT OR Apache-2.0

//! The floor module: `tools/bench/floor`.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use rustix::ioctl::{IntegerSetter, NoArg, ioctl, opcode};

const WINDOW: u32 = opcode::none(b'F', 0);
const SWITCH: u32 = opcode::none(b'F', 1);
const SUSPEND: u32 = opcode::none(b'F', 2);
const RESUME: u32 = opcode::none(b'F', 3);
const COPY: u32 = opcode::none(b'F', 4);
const FRAMES: u32 = opcode::none(b'F', 5);

/// Which of its objects has memory in pieces of 2 MiB.
pub const LARGE: usize = 2;

/// An object of the module.
#[derive(Debug)]
pub struct Floor(File);

impl Floor {
    /// Opens an object, which is to insert so many entries at a fault. `None` if the module is not
    /// there.
    pub fn open(number: usize, window: usize) -> Result<Option<Self>> {
        let path = format!("/dev/iomd_floor{number}");
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.context(path)?,
        };
        let floor = Self(file);
        floor.set::<WINDOW>(window)?;
        Ok(Some(floor))
    }

    /// Lets it insert so many entries at a fault that are frame numbers.
    pub fn insert_frames(&self, window: usize) -> Result<()> {
        self.set::<FRAMES>(window)
    }

    /// Shows the other memory.
    pub fn switch(&self) -> Result<()> {
        self.call::<SWITCH>()
    }

    /// Lets accesses wait.
    pub fn suspend(&self) -> Result<()> {
        self.call::<SUSPEND>()
    }

    /// Lets them go on.
    pub fn resume(&self) -> Result<()> {
        self.call::<RESUME>()
    }

    /// Copies the memory to the other.
    pub fn copy(&self) -> Result<()> {
        self.call::<COPY>()
    }

    /// Waits until an access waits.
    pub fn wait_for_waiter(&self) -> Result<()> {
        let _ = (&self.0).read(&mut [0])?;
        Ok(())
    }

    fn set<const CALL: u32>(&self, number: usize) -> Result<()> {
        // SAFETY: the module takes a number.
        let call = unsafe { IntegerSetter::<CALL>::new_usize(number) };
        // SAFETY: as above.
        unsafe { ioctl(&self.0, call)? };
        Ok(())
    }

    fn call<const CALL: u32>(&self) -> Result<()> {
        // SAFETY: the module takes nothing.
        let call = unsafe { NoArg::<CALL>::new() };
        // SAFETY: as above.
        unsafe { ioctl(&self.0, call)? };
        Ok(())
    }
}

impl AsFd for Floor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
