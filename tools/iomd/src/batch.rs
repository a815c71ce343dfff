// SPDX-License-Identifier: MIT OR Apache-2.0

//! Switching the memory behind several maps as one.

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Client, Descriptor, Map, Redirected, Request, Result};

/// Redirections to be made as one, from [`Client::batch`].
///
/// ```no_run
/// # fn swap(client: iomd::Client, a: iomd::Map, b: iomd::Map,
/// #         memory_of_a: iomd::Descriptor, memory_of_b: iomd::Descriptor) -> iomd::Result<()> {
/// client.batch().redirect(&a, &memory_of_b).redirect(&b, &memory_of_a).run()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is redirected until run is called"]
pub struct Batch<'a> {
    client: &'a Client,
    // Of files that are borrowed for as long as the batch.
    entries: Vec<sys::iomd_batch_entry>,
    refuse_pinned: bool,
    _files: PhantomData<(&'a Map, &'a Descriptor)>,
}

impl<'a> Batch<'a> {
    /// The most maps that one batch redirects.
    pub const MOST: usize = sys::IOMD_BATCH_MAX as usize;

    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client, entries: Vec::new(), refuse_pinned: false, _files: PhantomData }
    }

    /// One more map, and the memory that it shall show, from its start.
    pub fn redirect(self, map: &'a Map, target: &'a Descriptor) -> Self {
        self.redirect_at(map, target, 0)
    }

    /// One more map, and the memory that it shall show, from `offset` on, as of
    /// [`RedirectBuilder::offset`](crate::RedirectBuilder::offset).
    pub fn redirect_at(mut self, map: &'a Map, target: &'a Descriptor, offset: u64) -> Self {
        let (map, descriptor) = (map.as_fd().as_raw_fd(), target.as_fd().as_raw_fd());
        self.entries.push(sys::iomd_batch_entry { map, descriptor, offset });
        self
    }

    /// Whether pages of the old memory, of any of the maps, that someone holds for I/O make it fail
    /// with `EBUSY`.
    pub fn refuse_pinned(mut self, refuse_pinned: bool) -> Self {
        self.refuse_pinned = refuse_pinned;
        self
    }

    /// Redirects them all, or none. Nobody sees the new memory of one map and after it the old of
    /// another. Suspended maps go on. Maps that have ended stay so; that is no error.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no map, or more than [`MOST`](Self::MOST), or one of them twice, or a file
    /// is no map or no descriptor, or an offset is misaligned; else, if it is so for one of the maps,
    /// as of [`RedirectBuilder::run`](crate::RedirectBuilder::run); `ENOTTY` if the client is none.
    pub fn run(self) -> Result<Redirected> {
        let argument = sys::iomd_redirect_batch {
            flags: if self.refuse_pinned { sys::IOMD_REDIRECT_REFUSE_PINNED } else { 0 },
            entries: self.entries.as_ptr().expose_provenance() as u64,
            // More than fit into it are refused like all that are too many.
            count: self.entries.len().try_into().unwrap_or(u32::MAX),
            ..Argument::sized()
        };
        let redirected = call(self.client, argument)
            .asked(|| Request::RedirectBatch { maps: self.entries.len() })?;
        Ok(Redirected { pinned: redirected.pinned })
    }
}
