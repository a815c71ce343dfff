// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors: memory.

use std::os::fd::OwnedFd;

use iomd_sys as sys;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::handle::handle;
use crate::{
    Access, CopyBuilder, Direction, Kind, MapBuilder, MapInTaskBuilder, Purgeable, Request, Result,
    SuspendBuilder, Task,
};

/// Memory: XNU's `IOMemoryDescriptor`.
#[derive(Debug)]
pub struct Descriptor(OwnedFd);

handle!(Descriptor);

/// What is known of a descriptor, from [`Descriptor::info`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescriptorInfo {
    /// Its id.
    pub id: u64,
    /// What memory it is.
    pub kind: Kind,
    /// Bytes (`getLength`): all of its capacity, unless [`Descriptor::set_length`] was told otherwise.
    pub length: u64,
    /// Bytes, whole pages: what the length can be at most (`getCapacity`).
    pub capacity: u64,
    /// Bytes that have memory now.
    pub resident: u64,
    /// How many maps it backs.
    pub maps: u64,
    /// Whether it may be taken away, or was.
    pub purgeable: Purgeable,
    /// Which way data go (`getDirection`).
    pub direction: Direction,
    /// Changes when it gets other pages, and is never that of another preparation; `None` while there
    /// are none (`getPreparationID`).
    pub preparation: Option<u64>,
    /// What [`Descriptor::set_tag`] said; 0 at first (`getTag`).
    pub tag: u32,
    /// Whether the file descriptor that was asked gives read-only maps only.
    pub read_only: bool,
    /// How many descriptors it is made of; 0 for memory of its own.
    pub parts: u64,
}

/// How many pages a descriptor has, from [`Descriptor::page_counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCounts {
    /// That have memory now.
    pub resident: u64,
    /// Of those, whose content is nowhere else.
    pub dirty: u64,
}

impl Descriptor {
    /// What is known of it now.
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the file is not a descriptor.
    pub fn info(&self) -> Result<DescriptorInfo> {
        let info =
            call(self, sys::iomd_descriptor_info::sized()).asked(|| Request::DescriptorInfo)?;
        Ok(DescriptorInfo {
            id: info.id,
            kind: info.kind.into(),
            length: info.length,
            capacity: info.capacity,
            resident: info.resident,
            maps: info.maps,
            purgeable: info.purgeable.into(),
            direction: info.direction.into(),
            preparation: (info.preparation_id != 0).then_some(info.preparation_id),
            tag: info.tag,
            read_only: info.flags & sys::IOMD_DESCRIPTOR_READ_ONLY != 0,
            parts: info.parts,
        })
    }

    /// Its id.
    ///
    /// # Errors
    ///
    /// As [`info`](Self::info).
    pub fn id(&self) -> Result<u64> {
        Ok(self.info()?.id)
    }

    /// Another file descriptor of the same memory that gives read-only maps only. To be handed to
    /// who shall not write.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn read_only(&self) -> Result<Self> {
        self.reopen(Access::ReadOnly)
    }

    /// Another file descriptor of the same memory, with these rights or those of this one, whichever
    /// are fewer.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn reopen(&self, access: Access) -> Result<Self> {
        let argument = sys::iomd_descriptor_reopen { flags: access.flags(), ..Argument::sized() };
        let reopened = call(self, argument).asked(|| Request::Reopen)?;
        // SAFETY: the call has succeeded.
        Ok(Self(unsafe { received(reopened.fd) }))
    }

    /// Makes it shorter, or longer again, up to its capacity (`IOBufferMemoryDescriptor::setLength`).
    /// No memory comes or goes: maps that exist stay as they are, and the bytes beyond the length are
    /// there again when it is longer.
    ///
    /// # Errors
    ///
    /// `ERANGE` beyond the capacity; `EACCES` if this file descriptor is read-only; `EOPNOTSUPP` for
    /// memory that is not a buffer.
    pub fn set_length(&self, length: u64) -> Result<()> {
        let argument = sys::iomd_set_length { length, ..Argument::sized() };
        call(self, argument).map(drop).asked(|| Request::SetLength { length })
    }

    /// Gives it a number that means something to those who use it (`setTag`).
    ///
    /// # Errors
    ///
    /// `EACCES` if this file descriptor is read-only.
    pub fn set_tag(&self, tag: u32) -> Result<()> {
        let argument = sys::iomd_set_tag { tag, ..Argument::sized() };
        call(self, argument).map(drop).asked(|| Request::SetTag)
    }

    /// How many pages it has (`getPageCounts`).
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the file is not a descriptor.
    pub fn page_counts(&self) -> Result<PageCounts> {
        let counts = call(self, sys::iomd_page_counts::sized()).asked(|| Request::PageCounts)?;
        Ok(PageCounts { resident: counts.resident, dirty: counts.dirty })
    }

    /// Prepares a map of this memory: all of it, anywhere, not inherited, unless the builder is told
    /// otherwise (`createMappingInTask`).
    pub fn map(&self) -> MapBuilder<'_> {
        MapBuilder::new(self)
    }

    /// Prepares a mapping of this memory in a task, shared with whoever has asked for the same: all of
    /// it, anywhere, unless the builder is told otherwise (`createMappingInTask`, `setMapping`).
    ///
    /// ```no_run
    /// # fn share(memory: iomd::Descriptor, task: iomd::Task) -> iomd::Result<()> {
    /// let map = memory.map_in_task(&task).create()?;
    /// let part = memory.map_in_task(&task).length(4096).create()?;
    /// assert_eq!(part.info()?.address, map.info()?.address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_in_task<'a>(&'a self, task: &'a Task) -> MapInTaskBuilder<'a> {
        MapInTaskBuilder::new(self, task)
    }

    /// Prepares an atomic copy of this memory into `target`: all of it, to the target's start, unless
    /// the builder is told otherwise. No map of it can change the memory while it is copied, in any
    /// process.
    pub fn copy_to<'a>(&'a self, target: &'a Self) -> CopyBuilder<'a> {
        CopyBuilder::new(self, target)
    }

    /// Makes every access to this memory wait, through all of its maps and those to come, until it
    /// is resumed (`IOMemoryDescriptor::redirect` with `true`). Maps need not be unique for that.
    ///
    /// # Errors
    ///
    /// As of [`SuspendBuilder::run`].
    pub fn suspend(&self) -> Result<()> {
        self.suspend_with().run()
    }

    /// Prepares to suspend this memory, until a deadline, for as long as the caller lives, or for all
    /// but the caller, if the builder is told so.
    pub fn suspend_with(&self) -> SuspendBuilder<'_, Self> {
        SuspendBuilder::new(self)
    }

    /// Ends the suspension of this memory, whoever made it (`IOMemoryDescriptor::redirect` with
    /// `false`). Maps that are suspended by themselves stay so. Memory that is not suspended stays as
    /// it is; that is no error.
    ///
    /// # Errors
    ///
    /// `EACCES` if this file descriptor is read-only.
    pub fn resume(&self) -> Result<()> {
        let argument = sys::iomd_descriptor_resume::sized();
        call(self, argument).map(drop).asked(|| Request::ResumeDescriptor)
    }
}
