// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mapping into other processes.

use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Deadline, Errno, Map, MapOptions, Request, Result, Task};

/// A mapping to be made, from [`Map::map_into`].
#[derive(Debug, Clone)]
#[must_use = "nothing is mapped until run is called"]
pub struct MapIntoBuilder<'a> {
    map: &'a Map,
    task: &'a Task,
    offset: u64,
    length: u64,
    address: u64,
    flags: u32,
    over: bool,
    deadline: Option<Deadline>,
}

impl<'a> MapIntoBuilder<'a> {
    pub(crate) fn new(map: &'a Map, task: &'a Task) -> Self {
        Self { map, task, offset: 0, length: 0, address: 0, flags: 0, over: false, deadline: None }
    }

    /// Which part of the map: an offset that is a multiple of the page size, and bytes, rounded up
    /// to whole pages; length 0 is to the map's end. Without this it is all of it.
    pub fn range(mut self, offset: u64, length: u64) -> Self {
        self.offset = offset;
        self.length = length;
        self
    }

    /// Where it shall be: a multiple of the page size. What is mapped there already is never replaced.
    pub fn at(mut self, address: u64) -> Self {
        self.address = address;
        self.over = false;
        self.flag(sys::IOMD_INTO_TASK_FIXED, true)
    }

    /// Where it shall be, in place of what is mapped there, if the map was made for that
    /// (`kIOMapOverwrite`).
    ///
    /// # Safety
    ///
    /// If the task is the caller's own, nothing that is there is used any more.
    pub unsafe fn over(self, address: u64) -> Self {
        Self { over: true, ..self.at(address) }
    }

    /// Whether this mapping shall be for reading only.
    pub fn read_only(self, read_only: bool) -> Self {
        self.flag(sys::IOMD_INTO_TASK_READ_ONLY, read_only)
    }

    /// Until when the task may take; without one it is ten seconds.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Maps it; tells where: its own address, not that of its guards. One of the task's threads does it, which interrupts what that does as a
    /// signal would: a system call that is not restarted after signals fails with `EINTR`.
    ///
    /// # Errors
    ///
    /// `ESRCH` if the task is dead; `ETIMEDOUT` if none of its threads came by in time, since they are
    /// stopped, or wait for what a signal does not end; `EINTR`; `EINVAL` if the task is none,
    /// something is misaligned, or it shall be at an address and has guards, or would overwrite what
    /// is there although it shall not; `EOVERFLOW`, `ERANGE` if the range reaches beyond the map; `EEXIST` if
    /// something is mapped there; `ENODEV` if the map has ended; `ENOMEM` if there is no room;
    /// `EPERM` if the task may not map there.
    pub fn run(self) -> Result<u64> {
        let asked = || Request::MapInto {
            offset: self.offset,
            length: self.length,
            address: (self.address != 0).then_some(self.address),
        };
        // The kernel looks at the map's options alone.
        let placed = self.flags & sys::IOMD_INTO_TASK_FIXED != 0;
        if placed && !self.over && self.map.info()?.options.contains(MapOptions::OVERWRITE) {
            return Err(Errno::INVAL).asked(asked);
        }
        let argument = sys::iomd_map_into_task {
            flags: self.flags,
            task: self.task.as_fd().as_raw_fd(),
            offset: self.offset,
            length: self.length,
            deadline_ns: self.deadline.map_or(0, Deadline::nanoseconds),
            address: self.address,
            ..Argument::sized()
        };
        let mapped = call(self.map, argument).asked(asked)?;
        Ok(mapped.address)
    }

    fn flag(mut self, flag: u32, set: bool) -> Self {
        self.flags = if set { self.flags | flag } else { self.flags & !flag };
        self
    }
}
