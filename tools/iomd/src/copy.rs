// SPDX-License-Identifier: MIT OR Apache-2.0

//! Atomic copies of memory in use.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Descriptor, Request, Result};

/// A copy to be made, from [`Descriptor::copy_to`].
#[derive(Debug, Clone)]
#[must_use = "nothing is copied until run is called"]
pub struct CopyBuilder<'a> {
    source: &'a Descriptor,
    target: &'a Descriptor,
    offset: u64,
    length: u64,
    target_offset: u64,
    refuse_pinned: bool,
    resume_on_target: bool,
}

/// What a copy took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Pages of the source that someone else held for I/O. A device or an I/O request may have
    /// written to them during the copy.
    pub pinned: u64,
    /// How many maps were suspended and resumed.
    pub maps: u64,
    /// How long they were suspended.
    pub pause: Duration,
}

impl<'a> CopyBuilder<'a> {
    pub(crate) fn new(source: &'a Descriptor, target: &'a Descriptor) -> Self {
        Self {
            source,
            target,
            offset: 0,
            length: 0,
            target_offset: 0,
            refuse_pinned: false,
            resume_on_target: false,
        }
    }

    /// Copies `length` bytes from `offset` on only; 0 = to the descriptor's end.
    pub fn range(mut self, offset: u64, length: u64) -> Self {
        self.offset = offset;
        self.length = length;
        self
    }

    /// Where the copy goes in the target: bytes.
    pub fn target_offset(mut self, target_offset: u64) -> Self {
        self.target_offset = target_offset;
        self
    }

    /// Whether pages held for I/O make it fail with `EBUSY`, since then it might not be atomic.
    pub fn refuse_pinned(mut self, refuse_pinned: bool) -> Self {
        self.refuse_pinned = refuse_pinned;
        self
    }

    /// Whether the maps that were suspended go on on the copy: the memory moves under them. Each
    /// must be unique and wholly in the range, and the bytes lie in their pages as those of the copy.
    pub fn resume_on_target(mut self, resume_on_target: bool) -> Self {
        self.resume_on_target = resume_on_target;
        self
    }

    /// Copies.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the target is not a descriptor, or has some memory twice, the ranges overlap, or maps
    /// are to resume where bytes lie otherwise in their pages;
    /// `EOVERFLOW`, `ERANGE` if one is beyond its descriptor; `EACCES` if the target is read-only, or
    /// the source is and maps are to resume on the target; `EBUSY` if pages are held for I/O and that
    /// is to be refused, or another copy of the memory is under way; `EPERM` if a writable map is sealed;
    /// `EPERM`, `ERANGE` if maps are to resume on the target and one is sealed, not unique or not
    /// wholly in the range; `ENOMEM` for the target's pages; `EINTR` if killed.
    pub fn run(self) -> Result<Copied> {
        let Self { source, target, offset, length, target_offset, .. } = self;
        let mut flags = 0;
        if self.refuse_pinned {
            flags |= sys::IOMD_COPY_REFUSE_PINNED;
        }
        if self.resume_on_target {
            flags |= sys::IOMD_COPY_RESUME_ON_TARGET;
        }
        let argument = sys::iomd_copy {
            flags,
            offset,
            length,
            target_offset,
            target: target.as_fd().as_raw_fd(),
            ..Argument::sized()
        };
        let copied = call(source, argument).asked(|| Request::Copy {
            offset,
            length,
            target_offset,
            resume_on_target: self.resume_on_target,
        })?;
        Ok(Copied {
            pinned: copied.pinned,
            maps: copied.maps,
            pause: Duration::from_nanos(copied.pause_ns),
        })
    }
}
