// SPDX-License-Identifier: MIT OR Apache-2.0

//! The bytes of a descriptor, without a map.

use iomd_sys as sys;

use crate::call::{self, Argument, call};
use crate::error::Asked;
use crate::{Descriptor, Request, Result};

impl Descriptor {
    /// Copies bytes to `buffer`, from `offset` on, which can be any; returns how many (`readBytes`).
    /// It is 0 if they are not all inside, and less than there is room for if the memory could be had
    /// in part only. Memory that is not there yet reads as zeros, and does not come by that.
    ///
    /// Suspensions do not hold it up. Whoever writes meanwhile can be seen in part.
    ///
    /// # Errors
    ///
    /// `ENODATA` if the memory was taken away; `ENOMEM`; `EINTR` if killed.
    pub fn read_bytes(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let length = buffer.len() as u64;
        let done = call::read_bytes(self, offset, buffer);
        Ok(done.asked(|| Request::ReadBytes { offset, length })? as usize)
    }

    /// Copies `bytes` to the memory, from `offset` on, which can be any; returns how many
    /// (`writeBytes`). It is 0 if they are not all inside, and less than there are if the memory could
    /// be had in part only.
    ///
    /// Suspensions do not hold it up. While the memory is copied, it waits; so a copy has each page as
    /// it was before or after.
    ///
    /// # Errors
    ///
    /// `EACCES` if this file descriptor is read-only; `ENODATA` if the memory was taken away; `ENOMEM`
    /// if there is none; `EINTR` if killed.
    pub fn write_bytes(&self, offset: u64, bytes: &[u8]) -> Result<usize> {
        let length = bytes.len() as u64;
        let address = bytes.as_ptr().expose_provenance() as u64;
        let argument = sys::iomd_write_bytes { offset, length, address, ..Argument::sized() };
        let answer = call(self, argument).asked(|| Request::WriteBytes { offset, length })?;
        Ok(answer.done as usize)
    }
}
