// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making accesses wait.

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Deadline, Descriptor, Map, Redirected, Request, Result};

/// A suspension to be made, of a map or of all maps of a descriptor; from [`Map::suspend_with`] and
/// [`Descriptor::suspend_with`].
#[derive(Debug, Clone)]
#[must_use = "nothing is suspended until run is called"]
pub struct SuspendBuilder<'a, T> {
    object: &'a T,
    offset: u64,
    length: u64,
    flags: u32,
    deadline: Option<Deadline>,
    if_abandoned: IfAbandoned,
}

/// What becomes of a suspension that is abandoned: its owner, the open file through which it was
/// made, is closed for the last time, if only because the process was killed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfAbandoned {
    /// It stays: accesses wait on.
    #[default]
    Stay,
    /// Accesses get `SIGBUS`, as if a deadline had passed.
    Sigbus,
    /// It ends, as by [`Map::resume`] or [`Descriptor::resume`](crate::Descriptor::resume).
    Resume,
}

impl<'a, T> SuspendBuilder<'a, T> {
    pub(crate) fn new(object: &'a T) -> Self {
        Self {
            object,
            offset: 0,
            length: 0,
            flags: 0,
            deadline: None,
            if_abandoned: IfAbandoned::Stay,
        }
    }

    /// When those who wait, and who come later, get `SIGBUS` instead (a system call `EFAULT`), until
    /// it is resumed, or the map redirected. Without one they wait for as long as it takes.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What becomes of the suspension when its owner is gone. The owner is the open file behind this
    /// object, with all duplicates of the file descriptor; [`Map::reopen`] and [`Descriptor::reopen`]
    /// make another.
    pub fn if_abandoned(mut self, if_abandoned: IfAbandoned) -> Self {
        self.if_abandoned = if_abandoned;
        self
    }

    fn flag(mut self, flag: u32, set: bool) -> Self {
        self.flags = if set { self.flags | flag } else { self.flags & !flag };
        self
    }

    fn deadline_ns(&self) -> u64 {
        self.deadline.map_or(0, Deadline::nanoseconds)
    }
}

impl SuspendBuilder<'_, Map> {
    /// Which part of the map: an offset that is a multiple of the page size, and bytes, rounded up
    /// to whole pages; length 0 is to the map's end. Without this it is all of it.
    pub fn range(mut self, offset: u64, length: u64) -> Self {
        self.offset = offset;
        self.length = length;
        self
    }

    /// Whether pages of the memory that someone holds for I/O make it fail with `EBUSY`.
    pub fn refuse_pinned(self, refuse_pinned: bool) -> Self {
        self.flag(sys::IOMD_REDIRECT_REFUSE_PINNED, refuse_pinned)
    }

    /// Suspends. When this returns, no access through the map reaches that memory any more, in any
    /// process. What is suspended already stays so; all of it gets the new deadline and owner, also
    /// for those who wait. A map that has ended stays so, and that is no error.
    ///
    /// # Errors
    ///
    /// `EPERM` if the map is not unique, or another handle sealed it; `EINVAL` if the offset is misaligned
    /// or the deadline is beyond [`LATEST`](Deadline::LATEST); `ERANGE`, `EOVERFLOW` if the range reaches
    /// beyond the map; `EBUSY` if pages are held for I/O and that is to be refused; `ENOMEM`; `EINTR` if
    /// killed.
    pub fn run(self) -> Result<Redirected> {
        let abandoned = match self.if_abandoned {
            IfAbandoned::Stay => 0,
            IfAbandoned::Sigbus => sys::IOMD_REDIRECT_ABANDONED_SIGBUS,
            IfAbandoned::Resume => sys::IOMD_REDIRECT_ABANDONED_RESUME,
        };
        let argument = sys::iomd_suspend {
            flags: self.flags | abandoned,
            offset: self.offset,
            length: self.length,
            deadline_ns: self.deadline_ns(),
            ..Argument::sized()
        };
        let suspended = call(self.object, argument).asked(|| Request::Suspend)?;
        Ok(Redirected { pinned: suspended.pinned })
    }
}

impl SuspendBuilder<'_, Descriptor> {
    /// Whether accesses from the caller's address space go on. A child that it forks meanwhile is
    /// held up, but for what the caller had touched.
    pub fn spare_caller(self, spare_caller: bool) -> Self {
        self.flag(sys::IOMD_SUSPEND_SPARE_CALLER, spare_caller)
    }

    /// Suspends. When this returns, no access reaches the memory through a map any more, in any
    /// process but a spared one. Memory that is suspended already gets the new deadline, owner and
    /// spared process.
    ///
    /// # Errors
    ///
    /// `EPERM` if a map is sealed; `EACCES` if the file descriptor is read-only; `EINVAL` if the
    /// deadline is beyond [`LATEST`](Deadline::LATEST); `EINTR` if killed.
    pub fn run(self) -> Result<()> {
        let abandoned = match self.if_abandoned {
            IfAbandoned::Stay => 0,
            IfAbandoned::Sigbus => sys::IOMD_SUSPEND_ABANDONED_SIGBUS,
            IfAbandoned::Resume => sys::IOMD_SUSPEND_ABANDONED_RESUME,
        };
        let argument = sys::iomd_descriptor_suspend {
            flags: self.flags | abandoned,
            deadline_ns: self.deadline_ns(),
            ..Argument::sized()
        };
        call(self.object, argument).map(drop).asked(|| Request::SuspendDescriptor)
    }
}
