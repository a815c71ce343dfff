// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making accesses to memory wait, through all of its maps.

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Deadline, Descriptor, IfAbandoned, Request, Result};

/// A suspension to be made, from [`Descriptor::suspend_with`].
#[derive(Debug, Clone)]
#[must_use = "nothing is suspended until run is called"]
pub struct DescriptorSuspendBuilder<'a> {
    descriptor: &'a Descriptor,
    deadline: Option<Deadline>,
    if_abandoned: IfAbandoned,
    spare_caller: bool,
}

impl<'a> DescriptorSuspendBuilder<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor) -> Self {
        Self { descriptor, deadline: None, if_abandoned: IfAbandoned::Stay, spare_caller: false }
    }

    /// When those who wait, and who come later, get `SIGBUS` instead (a system call `EFAULT`), until
    /// the memory is resumed. Without one they wait for as long as it takes.
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What becomes of the suspension when its owner is gone. The owner is the open file behind this
    /// [`Descriptor`], with all duplicates of the file descriptor; [`Descriptor::reopen`] makes
    /// another.
    pub fn if_abandoned(mut self, if_abandoned: IfAbandoned) -> Self {
        self.if_abandoned = if_abandoned;
        self
    }

    /// Whether accesses from the caller's address space go on. A child that it forks meanwhile is
    /// held up, but for what the caller had touched.
    pub fn spare_caller(mut self, spare_caller: bool) -> Self {
        self.spare_caller = spare_caller;
        self
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
        let spare = if self.spare_caller { sys::IOMD_SUSPEND_SPARE_CALLER } else { 0 };
        let argument = sys::iomd_descriptor_suspend {
            flags: abandoned | spare,
            deadline_ns: self.deadline.map_or(0, Deadline::nanoseconds),
            ..Argument::sized()
        };
        call(self.descriptor, argument).map(drop).asked(|| Request::SuspendDescriptor)
    }
}
