// SPDX-License-Identifier: MIT OR Apache-2.0

//! Switching the memory behind a map.

use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Descriptor, Map, Request, Result};

/// A redirection to be made, from [`Map::redirect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is redirected until run is called"]
pub struct RedirectBuilder<'a> {
    map: &'a Map,
    target: &'a Descriptor,
    offset: u64,
    refuse_pinned: bool,
}

/// What a redirection or suspension found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirected {
    /// Pages of the old memory that someone else still holds for I/O, and may write to.
    pub pinned: u64,
}

impl<'a> RedirectBuilder<'a> {
    pub(crate) fn new(map: &'a Map, target: &'a Descriptor) -> Self {
        Self { map, target, offset: 0, refuse_pinned: false }
    }

    /// Where the map starts in the new memory: bytes. In its page it is where the map's first byte is
    /// ([`MapInfo::page_offset`](crate::MapInfo::page_offset)).
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Whether pages of the old memory that someone holds for I/O make it fail with `EBUSY`.
    pub fn refuse_pinned(mut self, refuse_pinned: bool) -> Self {
        self.refuse_pinned = refuse_pinned;
        self
    }

    /// Redirects. When this returns, no access through the map reaches the old memory any more, in
    /// any process. A map that has ended stays so; that is no error.
    ///
    /// # Errors
    ///
    /// `EPERM` if the map is not unique, or another handle sealed it; `EINVAL` if the target is not a
    /// descriptor, or its bytes from the offset on lie otherwise in their pages; `EOVERFLOW`, `ERANGE` if the descriptor is shorter than the map from the offset
    /// on; `EACCES` if the map is writable and the descriptor read-only; `EBUSY` if pages are held
    /// for I/O and that is to be refused, or the memory is being copied; `EINTR` if killed.
    pub fn run(self) -> Result<Redirected> {
        let argument = sys::iomd_redirect {
            flags: if self.refuse_pinned { sys::IOMD_REDIRECT_REFUSE_PINNED } else { 0 },
            descriptor: self.target.as_fd().as_raw_fd(),
            offset: self.offset,
            ..Argument::sized()
        };
        let redirected =
            call(self.map, argument).asked(|| Request::Redirect { offset: self.offset })?;
        Ok(Redirected { pinned: redirected.pinned })
    }
}
