// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings in a task, shared where one is there already.

use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;
use rustix::io::Errno;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::{
    CacheMode, Deadline, Descriptor, Error, Guards, Inheritance, Map, MapOptions, Request, Result,
    Task,
};

/// A mapping that a task is to have, from [`Descriptor::map_in_task`].
#[derive(Debug, Clone)]
#[must_use = "nothing is mapped until create is called"]
pub struct MapInTaskBuilder<'a> {
    descriptor: &'a Descriptor,
    task: &'a Task,
    offset: u64,
    length: u64,
    options: MapOptions,
    address: u64,
    keep: bool,
    inheritance: Inheritance,
    deadline: Option<Deadline>,
}

impl<'a> MapInTaskBuilder<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor, task: &'a Task) -> Self {
        Self {
            descriptor,
            task,
            offset: 0,
            length: 0,
            options: MapOptions::ANYWHERE,
            address: 0,
            keep: false,
            inheritance: Inheritance::None,
            deadline: None,
        }
    }

    /// Where the map starts in the descriptor: bytes.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// How long it is: bytes; 0 = to the descriptor's end.
    pub fn length(mut self, length: u64) -> Self {
        self.length = length;
        self
    }

    /// Whether it can never be written through (`kIOMapReadOnly`).
    pub fn read_only(self, read_only: bool) -> Self {
        self.option(MapOptions::READ_ONLY, read_only)
    }

    /// Whether it shall be a mapping of its own, which may be redirected: none is looked for, and it
    /// is found by nobody (`kIOMapUnique`).
    pub fn unique(self, unique: bool) -> Self {
        self.option(MapOptions::UNIQUE, unique)
    }

    /// Whether only a mapping that exists is wanted: none is made (`kIOMapReference`).
    pub fn reference(self, reference: bool) -> Self {
        self.option(MapOptions::REFERENCE, reference)
    }

    /// How it is cached. With the default, an existing mapping may have any mode.
    pub fn cache_mode(mut self, mode: CacheMode) -> Self {
        self.options = self.options.with_cache_mode(mode);
        self
    }

    /// Where it shall be: a multiple of the page size. What is mapped there already is never replaced,
    /// but shared, if it is what is asked for.
    pub fn at(mut self, address: u64) -> Self {
        self.address = address;
        self.option(MapOptions::ANYWHERE | MapOptions::OVERWRITE, false)
    }

    /// Where it shall be, in place of what is mapped there, unless that is what is asked for
    /// (`kIOMapOverwrite`).
    ///
    /// # Safety
    ///
    /// If the task is the caller's own, nothing that is there is used any more.
    pub unsafe fn over(self, address: u64) -> Self {
        self.at(address).option(MapOptions::OVERWRITE, true)
    }

    /// Whether all of its pages are touched at once if it is made, as far as they can be had
    /// (`kIOMapPrefault`).
    pub fn prefault(self, prefault: bool) -> Self {
        self.option(MapOptions::PREFAULT, prefault)
    }

    /// What is kept inaccessible on each side of it; only one with the same guards is shared. It can be
    /// anywhere only.
    pub fn guards(mut self, guards: Guards) -> Self {
        self.options = self.options.with_guards(guards);
        self
    }

    /// What a forked child gets of it, if it is made.
    pub fn inheritance(mut self, inheritance: Inheritance) -> Self {
        self.inheritance = inheritance;
        self
    }

    /// Whether it lives on when the map's last file descriptor is closed, if it is made.
    pub fn keep(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }

    /// Until when the task may take to map it; without one it is ten seconds.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Shares a compatible map that the task has already, all of it or a part as a sub-map; if there
    /// is none, makes a map and maps it into the task (`createMappingInTask`). Where it is, its
    /// [`info`](Map::info) tells.
    ///
    /// A map can be found as long as the task has it that mapped it first, and it has not ended. Two
    /// that are asked for at the same time can both be made.
    ///
    /// # Errors
    ///
    /// `ENOENT` if only one that exists is wanted, and there is none; `ESRCH` if the task is dead. Else
    /// those of [`MapBuilder::create`](crate::MapBuilder::create) and
    /// [`MapIntoBuilder::run`](crate::MapIntoBuilder::run). Nothing is mapped then.
    pub fn create(self) -> Result<Map> {
        let wanted = |option| self.options.contains(option);
        if wanted(MapOptions::REFERENCE) || !wanted(MapOptions::UNIQUE) {
            match self.existing(self.options, self.address) {
                Err(Error::Refused { errno: Errno::NOENT, .. })
                    if !wanted(MapOptions::REFERENCE) => {}
                outcome => return outcome,
            }
        }

        let map = self
            .descriptor
            .map()
            .offset(self.offset)
            .length(self.length)
            .options(self.options)
            .inheritance(self.inheritance)
            .keep(self.keep)
            .create()?;
        let into = map.map_into(self.task);
        let into = match self.deadline {
            Some(deadline) => into.deadline(deadline),
            None => into,
        };
        let into = if wanted(MapOptions::ANYWHERE) {
            into
        } else if wanted(MapOptions::OVERWRITE) {
            // SAFETY: the caller of `over` has promised the same.
            unsafe { into.over(self.address) }
        } else {
            into.at(self.address)
        };
        into.run()?;
        Ok(map)
    }

    /// Records what the task has mapped at an address: all or a part of a map of this descriptor,
    /// whoever mapped it (`setMapping`). Nothing is mapped, and nothing is unmapped when the record is
    /// closed. Look-ups find it, unless it is or records a unique one.
    ///
    /// # Errors
    ///
    /// `ENOENT` if what is mapped there is not that part of the descriptor; `EACCES` if it is writable
    /// and the record would be read-only, or the reverse; `EINVAL` if the address is misaligned;
    /// `ESRCH` if the task is dead.
    pub fn set_mapping(self, address: u64) -> Result<Map> {
        self.existing((self.options | MapOptions::STATIC) - MapOptions::ANYWHERE, address)
    }

    fn existing(&self, options: MapOptions, address: u64) -> Result<Map> {
        let argument = sys::iomd_map_existing {
            options: options.bits(),
            task: self.task.as_fd().as_raw_fd(),
            offset: self.offset,
            length: self.length,
            address,
            ..Argument::sized()
        };
        let existing = call(self.descriptor, argument).asked(|| Request::FindMap {
            offset: self.offset,
            length: self.length,
            options,
            address: (!options.contains(MapOptions::ANYWHERE)).then_some(address),
        })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(existing.fd) }.into())
    }

    fn option(mut self, option: MapOptions, set: bool) -> Self {
        self.options.set(option, set);
        self
    }
}
