// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making accesses wait.

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Deadline, Map, Redirected, Request, Result};

/// A suspension to be made, from [`Map::suspend_with`].
#[derive(Debug, Clone)]
#[must_use = "nothing is suspended until run is called"]
pub struct SuspendBuilder<'a> {
    map: &'a Map,
    offset: u64,
    length: u64,
    deadline: Option<Deadline>,
    if_abandoned: IfAbandoned,
    refuse_pinned: bool,
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

impl IfAbandoned {
    fn flags(self) -> u32 {
        match self {
            Self::Stay => 0,
            Self::Sigbus => sys::IOMD_REDIRECT_ABANDONED_SIGBUS,
            Self::Resume => sys::IOMD_REDIRECT_ABANDONED_RESUME,
        }
    }
}

impl<'a> SuspendBuilder<'a> {
    pub(crate) fn new(map: &'a Map) -> Self {
        Self {
            map,
            offset: 0,
            length: 0,
            deadline: None,
            if_abandoned: IfAbandoned::Stay,
            refuse_pinned: false,
        }
    }

    /// Which part of the map: an offset that is a multiple of the page size, and bytes, rounded up
    /// to whole pages; length 0 is to the map's end. Without this it is all of it.
    pub fn range(mut self, offset: u64, length: u64) -> Self {
        self.offset = offset;
        self.length = length;
        self
    }

    /// When those who wait, and who come later, get `SIGBUS` instead (a system call `EFAULT`), until
    /// the map is redirected or resumed. Without one they wait for as long as it takes.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What becomes of the suspension when its owner is gone. The owner is the open file behind this
    /// [`Map`], with all duplicates of the file descriptor; [`Map::reopen`] makes another.
    pub fn if_abandoned(mut self, if_abandoned: IfAbandoned) -> Self {
        self.if_abandoned = if_abandoned;
        self
    }

    /// Whether pages of the memory that someone holds for I/O make it fail with `EBUSY`.
    pub fn refuse_pinned(mut self, refuse_pinned: bool) -> Self {
        self.refuse_pinned = refuse_pinned;
        self
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
        let refuse_pinned = if self.refuse_pinned { sys::IOMD_REDIRECT_REFUSE_PINNED } else { 0 };
        let argument = sys::iomd_suspend {
            flags: refuse_pinned | self.if_abandoned.flags(),
            offset: self.offset,
            length: self.length,
            deadline_ns: self.deadline.map_or(0, Deadline::nanoseconds),
            ..Argument::sized()
        };
        let suspended = call(self.map, argument).asked(|| Request::Suspend)?;
        Ok(Redirected { pinned: suspended.pinned })
    }
}
