// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of a task in another place as well: Mach's vm_remap.

use std::os::fd::{AsFd, AsRawFd};

use bitflags::bitflags;
use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Client, Deadline, Inheritance, Request, Result, Task};

bitflags! {
    /// What a task may do with memory: `VM_PROT_…` of Mach.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Protection: u32 {
        /// Read it.
        const READ = sys::IOMD_VM_PROT_READ;
        /// Write it.
        const WRITE = sys::IOMD_VM_PROT_WRITE;
        /// Execute it.
        const EXECUTE = sys::IOMD_VM_PROT_EXECUTE;
        const _ = !0;
    }
}

/// What was remapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remapped {
    /// Where it is in the target.
    pub address: u64,
    /// What may be done with all of it now.
    pub cur: Protection,
    /// What mprotect(2) may make of that.
    pub max: Protection,
}

/// Memory to be remapped, from [`Client::remap`].
#[derive(Debug, Clone)]
#[must_use = "nothing is mapped until run is called"]
pub struct RemapBuilder<'a> {
    client: &'a Client,
    source: &'a Task,
    argument: sys::iomd_remap,
}

impl<'a> RemapBuilder<'a> {
    pub(crate) fn new(client: &'a Client, source: &'a Task, address: u64, length: u64) -> Self {
        let task = source.as_fd().as_raw_fd();
        let argument = sys::iomd_remap {
            vm_flags: sys::IOMD_VM_FLAGS_ANYWHERE,
            source_task: task,
            target_task: task,
            source_address: address,
            length,
            inheritance: Inheritance::None.number(),
            ..Argument::sized()
        };
        Self { client, source, argument }
    }

    /// The task that gets it. Without this it is the one that has it.
    pub fn into_task<'b>(self, target: &'b Task) -> RemapBuilder<'b>
    where
        'a: 'b,
    {
        let Self { client, source, mut argument } = self;
        argument.target_task = target.as_fd().as_raw_fd();
        RemapBuilder { client, source, argument }
    }

    /// Where it shall be, rounded down to whole pages. What is mapped there already is never replaced.
    pub fn at(self, address: u64) -> Self {
        self.placed(address, sys::IOMD_VM_FLAGS_FIXED)
    }

    /// Where it shall be, rounded down to whole pages, in place of what is mapped there
    /// (`VM_FLAGS_OVERWRITE`).
    ///
    /// # Safety
    ///
    /// If the target is the caller's own task, nothing that is there is used any more.
    pub unsafe fn over(self, address: u64) -> Self {
        self.placed(address, sys::IOMD_VM_FLAGS_OVERWRITE)
    }

    /// The first place from that address upward where it fits (`VM_FLAGS_ANYWHERE`). Without this it is
    /// the first place of all.
    pub fn from(self, address: u64) -> Self {
        self.placed(address, sys::IOMD_VM_FLAGS_ANYWHERE)
    }

    /// Bits that the address must not have.
    pub fn mask(mut self, mask: u64) -> Self {
        self.argument.mask = mask;
        self
    }

    /// Whether all pages are mapped in which there is one of the bytes, and the address told is that of
    /// the first byte (`VM_FLAGS_RETURN_DATA_ADDR`). Otherwise it is as many pages as the length needs,
    /// from that of the first byte on, and the address is the first page's.
    pub fn exact(mut self, exact: bool) -> Self {
        let flag = sys::IOMD_VM_FLAGS_RETURN_DATA_ADDR;
        let others = self.argument.vm_flags & !flag;
        self.argument.vm_flags = if exact { others | flag } else { others };
        self
    }

    /// Whether it is a copy, which no other task sees. Otherwise it is the same memory. What was made with
    /// [`BufferFlags::LAZY_COPY`](crate::BufferFlags::LAZY_COPY) is copied page by page when it is touched.
    pub fn copy(self, copy: bool) -> Self {
        self.flag(sys::IOMD_REMAP_COPY, copy)
    }

    /// What a forked child of the target gets of it. A copy of memory that is shared cannot be had.
    pub fn inheritance(mut self, inheritance: Inheritance) -> Self {
        self.argument.inheritance = inheritance.number();
        self
    }

    /// What may be done with it, and what mprotect(2) may make of that (`mach_vm_remap_new`). Without
    /// this it is what the source has.
    pub fn protections(mut self, cur: Protection, max: Protection) -> Self {
        self.argument.cur_protection = cur.bits();
        self.argument.max_protection = max.bits();
        self.flag(sys::IOMD_REMAP_PROTECTIONS, true)
    }

    /// Until when the target may take; without one it is ten seconds.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.argument.deadline_ns = deadline.nanoseconds();
        self
    }

    /// Does it. One of the target's threads maps the memory, as for
    /// [`MapIntoBuilder::run`](crate::MapIntoBuilder::run).
    ///
    /// # Errors
    ///
    /// Mach's, as those of Linux: `EINVAL` (KERN_INVALID_ARGUMENT) if the length is 0 or too large, or
    /// protections or inheritance are none; `EFAULT` (KERN_INVALID_ADDRESS) where the source has
    /// nothing, or the target's addresses are none; `ENOSPC` (KERN_NO_SPACE) if the place is occupied,
    /// has one of the mask's bits, or there is none; `EACCES` (KERN_PROTECTION_FAILURE) for rights that
    /// the source does not have, or that Linux cannot give; `EOPNOTSUPP` (KERN_NOT_SUPPORTED) for memory
    /// that only its driver maps, or an inheritance that cannot be had.
    ///
    /// `EPERM` if the target may not map there; `EIO` if the source's memory cannot be had; `ESRCH` if a
    /// task is dead; `ETIMEDOUT`, `EINTR`, `ENOMEM`.
    pub fn run(self) -> Result<Remapped> {
        let Self { client, argument, source: _ } = self;
        let done = call(client, argument).asked(|| Request::Remap {
            address: argument.source_address,
            length: argument.length,
            copy: argument.flags & sys::IOMD_REMAP_COPY != 0,
        })?;
        Ok(Remapped {
            address: done.target_address,
            cur: Protection::from_bits_retain(done.cur_protection),
            max: Protection::from_bits_retain(done.max_protection),
        })
    }

    fn placed(mut self, address: u64, how: u32) -> Self {
        let places = sys::IOMD_VM_FLAGS_ANYWHERE | sys::IOMD_VM_FLAGS_OVERWRITE;
        self.argument.vm_flags = self.argument.vm_flags & !places | how;
        self.argument.target_address = address;
        self
    }

    fn flag(mut self, flag: u32, set: bool) -> Self {
        let others = self.argument.flags & !flag;
        self.argument.flags = if set { others | flag } else { others };
        self
    }
}
