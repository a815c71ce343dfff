// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of others as descriptors: of a task, of a file, of a device.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::{Client, Descriptor, Request, Result, Task};

/// Which way data go between memory and device (`IODirection`). What a device only reads, tasks only
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the memory: it is written, and read.
    In,
    /// Out of the memory: it is read.
    Out,
    /// Both ways.
    InOut,
    /// A number that this library has no name for.
    Other(u32),
}

impl From<u32> for Direction {
    fn from(number: u32) -> Self {
        match number {
            sys::IOMD_DIRECTION_IN => Self::In,
            sys::IOMD_DIRECTION_OUT => Self::Out,
            sys::IOMD_DIRECTION_IN_OUT => Self::InOut,
            other => Self::Other(other),
        }
    }
}

impl Direction {
    fn number(self) -> u32 {
        match self {
            Self::In => sys::IOMD_DIRECTION_IN,
            Self::Out => sys::IOMD_DIRECTION_OUT,
            Self::InOut => sys::IOMD_DIRECTION_IN_OUT,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In => f.write_str("in"),
            Self::Out => f.write_str("out"),
            Self::InOut => f.write_str("in-out"),
            Self::Other(number) => write!(f, "direction {number}"),
        }
    }
}

/// Some of a task's memory, at any byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange {
    /// Where it begins.
    pub address: u64,
    /// Bytes, not 0.
    pub length: u64,
}

impl Client {
    /// Some of a task's memory as a descriptor (`withAddressRange`).
    ///
    /// Its pages are pinned while it is prepared, and while there is a map of it. They stay its own
    /// then, whatever the task does.
    ///
    /// # Errors
    ///
    /// As of [`address_ranges`](Self::address_ranges).
    pub fn address_range(
        &self,
        task: &Task,
        range: AddressRange,
        direction: Direction,
    ) -> Result<Descriptor> {
        self.address_ranges(task, &[range], direction)
    }

    /// Several parts of a task's memory as one descriptor: their bytes, one after the other
    /// (`withAddressRanges`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if the file is not a task, there is no range, one is empty, or there are more than
    /// 65536; `EOVERFLOW` if one, or all together, are too large; `ESRCH` if the task is dead;
    /// `EMFILE`.
    pub fn address_ranges(
        &self,
        task: &Task,
        ranges: &[AddressRange],
        direction: Direction,
    ) -> Result<Descriptor> {
        let request = || Request::CreateAddressRanges { ranges: ranges.len(), direction };
        let entry = |range: &AddressRange| sys::iomd_address_range {
            address: range.address,
            length: range.length,
        };
        let entries: Vec<_> = ranges.iter().map(entry).collect();
        let argument = sys::iomd_address_ranges_create {
            ranges: entries.as_ptr().expose_provenance() as u64,
            // More than fit are more than there may be.
            count: entries.len().try_into().unwrap_or(u32::MAX),
            direction: direction.number(),
            task: task.as_fd().as_raw_fd(),
            ..Argument::sized()
        };
        let created = call(self, argument).asked(request)?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }

    /// Memory of a memfd as a descriptor, or of another file of tmpfs or hugetlbfs: `length` bytes
    /// from `offset` on, or with 0 all that follow. Its pages are pinned as long as it is there.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is no such file, or offset or length are not multiples of the page size;
    /// `ERANGE` if the file is shorter; `EACCES` if it is not open for that direction; `EPERM` if it
    /// is sealed against writing; `ENOMEM` beyond the limit on locked memory; `EINTR` if killed
    /// meanwhile; `EMFILE`.
    pub fn import_memfd(
        &self,
        file: impl AsFd,
        offset: u64,
        length: u64,
        direction: Direction,
    ) -> Result<Descriptor> {
        let argument = sys::iomd_memfd_import {
            offset,
            length,
            direction: direction.number(),
            memfd: file.as_fd().as_raw_fd(),
            ..Argument::sized()
        };
        let imported =
            call(self, argument).asked(|| Request::ImportMemfd { offset, length, direction })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(imported.fd) }.into())
    }

    /// Physical memory that the kernel does not use as a descriptor (`withPhysicalAddress`): memory of
    /// a device that has no driver, or what the kernel was told to leave alone.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_RAWIO`, and for everyone where the kernel is locked down; `EBUSY` if
    /// some of it is the kernel's or a driver's, or another descriptor's; `EINVAL` if `length` is 0;
    /// `EOVERFLOW`; `EMFILE`.
    pub fn physical_range(
        &self,
        address: u64,
        length: u64,
        direction: Direction,
    ) -> Result<Descriptor> {
        let argument = sys::iomd_physical_create {
            address,
            length,
            direction: direction.number(),
            ..Argument::sized()
        };
        let created = call(self, argument).asked(|| Request::CreatePhysical {
            address,
            length,
            direction,
        })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(created.fd) }.into())
    }
}

impl Descriptor {
    /// Lets the memory stay where it is until [`complete`](Self::complete) is called as often
    /// (`IOMemoryDescriptor::prepare`), or until this file descriptor and its copies are closed. With
    /// no direction, for that of the descriptor.
    ///
    /// # Errors
    ///
    /// `EACCES` for a direction that the descriptor has not, or if it is prepared for reading only
    /// already; `EFAULT` where a task has no memory with these rights, or such as cannot be pinned;
    /// `EOPNOTSUPP` for a file on memory that is not the system's own (DAX); `ESRCH` if the task is
    /// dead; `ENOMEM` beyond the limit on locked memory; `EINTR` if killed meanwhile.
    pub fn prepare(&self, direction: Option<Direction>) -> Result<()> {
        let argument = sys::iomd_prepare {
            direction: direction.map_or(0, Direction::number),
            ..Argument::sized()
        };
        call(self, argument).map(drop).asked(|| Request::Prepare)
    }

    /// Takes one [`prepare`](Self::prepare) back (`IOMemoryDescriptor::complete`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it was not prepared through this file descriptor.
    pub fn complete(&self) -> Result<()> {
        call(self, sys::iomd_complete::sized()).map(drop).asked(|| Request::Complete)
    }

    /// Another file descriptor of the same descriptor if its task or file still has the memory there
    /// that it had, and otherwise of a new one, of what is there now
    /// (`withPersistentMemoryDescriptor`).
    ///
    /// # Errors
    ///
    /// As of [`prepare`](Self::prepare), and `EMFILE`.
    pub fn persistent(&self) -> Result<Self> {
        let argument =
            sys::iomd_descriptor_reopen { flags: sys::IOMD_REOPEN_PERSISTENT, ..Argument::sized() };
        let reopened = call(self, argument).asked(|| Request::Reopen)?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(reopened.fd) }.into())
    }
}
