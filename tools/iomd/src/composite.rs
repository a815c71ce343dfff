// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors of other descriptors' memory, and the guard that goes between them.

use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::{Access, Client, Descriptor, Request, Result};

/// The numbers of the parts' file descriptors.
fn numbers(parts: &[&Descriptor]) -> Vec<i32> {
    parts.iter().map(|part| part.as_fd().as_raw_fd()).collect()
}

impl Client {
    /// The most descriptors that one consists of: its parts, theirs, and so on.
    pub const MOST_PARTS: usize = sys::IOMD_PARTS_MAX as usize;

    /// Makes a descriptor of the memory of others, one after the other (`IOMultiMemoryDescriptor`).
    /// It keeps them.
    ///
    /// ```no_run
    /// # fn join(client: iomd::Client, memory: iomd::Descriptor) -> iomd::Result<()> {
    /// let (guard, rest) = (client.guard(4096)?, client.buffer(8192)?);
    /// let map = client.multi(&[&memory, &guard, &rest])?.map().create()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` without parts or with more than [`MOST_PARTS`](Self::MOST_PARTS), and if some are
    /// writable and some are not; `ELOOP` if that many are below them, or they are nested too
    /// deeply; `EOVERFLOW` if they are too long together; `EMFILE`.
    pub fn multi(&self, parts: &[&Descriptor]) -> Result<Descriptor> {
        let numbers = numbers(parts);
        let argument = sys::iomd_multi_create {
            descriptors: numbers.as_ptr() as u64,
            count: numbers.len() as u32,
            ..Argument::sized()
        };
        let created = call(self, argument).asked(|| Request::CreateMulti { parts: parts.len() })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }

    /// Makes a descriptor of the memory of others, `granularity` bytes of each in turn. It keeps
    /// them.
    ///
    /// # Errors
    ///
    /// As [`multi`](Self::multi); and `EINVAL` if the parts are not equally long, `granularity` is not
    /// a multiple of the page size, or the length not one of `granularity`, or a part cannot be
    /// mapped as a whole from the beginning of a page on.
    pub fn interleaved(&self, parts: &[&Descriptor], granularity: u64) -> Result<Descriptor> {
        let numbers = numbers(parts);
        let argument = sys::iomd_interleaved_create {
            descriptors: numbers.as_ptr() as u64,
            granularity,
            count: numbers.len() as u32,
            ..Argument::sized()
        };
        let created = call(self, argument)
            .asked(|| Request::CreateInterleaved { parts: parts.len(), granularity })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }

    /// Makes `length` bytes that nobody can access, to be put between others
    /// (`IOGuardPageMemoryDescriptor`). An access gets `SIGBUS`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `length` is 0; `EOVERFLOW` if it is too large; `EMFILE`.
    pub fn guard(&self, length: u64) -> Result<Descriptor> {
        let argument = sys::iomd_guard_create { length, ..Argument::sized() };
        let created = call(self, argument).asked(|| Request::CreateGuard { length })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }
}

impl Descriptor {
    /// Makes a descriptor of `length` bytes of this memory, from `offset` on; length 0 is all that
    /// follows (`IOSubMemoryDescriptor`). It keeps this memory. With
    /// [`Access::ReadOnly`] there are read-only maps of it only.
    ///
    /// # Errors
    ///
    /// `ERANGE`, `EOVERFLOW` beyond the end; `EACCES` if this file descriptor or its memory is
    /// read-only, and the new one is not to be; `ELOOP` if it is nested too deeply; `EMFILE`.
    pub fn sub(&self, offset: u64, length: u64, access: Access) -> Result<Self> {
        let flags = match access {
            Access::ReadOnly => sys::IOMD_SUB_READ_ONLY,
            Access::ReadWrite => 0,
        };
        let argument = sys::iomd_sub_create { flags, offset, length, ..Argument::sized() };
        let created = call(self, argument).asked(|| Request::CreateSub { offset, length })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }
}
