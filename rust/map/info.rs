// SPDX-License-Identifier: GPL-2.0

//! What a map tells about itself.

use super::{Inheritance, Map};
use crate::pure::options::Options;
use kernel::sync::atomic::Relaxed;

/// A map's state for [`Map::info`].
pub(crate) struct Info {
    pub(crate) id: u64,
    pub(crate) options: Options,
    pub(crate) inheritance: Inheritance,
    /// Bytes, as asked for.
    pub(crate) length: u64,
    pub(crate) pages: usize,
    pub(crate) descriptor_id: u64,
    /// Bytes of the descriptor before the first.
    pub(crate) offset: u64,
    /// Where in the first page that is.
    pub(crate) page_offset: u64,
    pub(crate) suspended: bool,
    pub(crate) expired: bool,
    pub(crate) sealed: bool,
    pub(crate) descriptor_suspended: bool,
    pub(crate) ended: bool,
    pub(crate) in_kernel: bool,
    pub(crate) unpinnable: bool,
    /// Process and address.
    pub(crate) holder: Option<(i32, usize)>,
    pub(crate) generation: u64,
    pub(crate) redirects: u64,
    pub(crate) faults: u64,
    pub(crate) waiters: u64,
    pub(crate) waits: u64,
    pub(crate) longest_wait_ns: u64,
    /// Pages.
    pub(crate) wired: usize,
    /// Of a Static map, the map's id that it is part of.
    pub(crate) part_of: Option<u64>,
    /// Whether it keeps that.
    pub(crate) is_sub_map: bool,
}

impl Map {
    /// Its state of this moment.
    pub(crate) fn info(&self) -> Info {
        let (part, suspension, ended) = {
            let state = self.state.read();
            let part = state.part.as_ref().map(|part| {
                let offset = part.offset_of(self.page_offset);
                let suspended = part.suspension().is_some();
                (part.descriptor().id(), offset, suspended)
            });

            // With `state` held, so that both are of one moment.
            (part, self.standing.lock().suspension, state.ended)
        };
        let (descriptor_id, offset, descriptor_suspended) = part.unwrap_or_default();
        let holder = self
            .holder
            .lock()
            .as_ref()
            .filter(|_| !ended)
            .map(|holder| (holder.process(), holder.address()));
        let counters = &self.counters;

        Info {
            id: self.id(),
            options: self.options,
            inheritance: self.inheritance,
            length: self.length,
            pages: self.range.pages(),
            descriptor_id,
            offset,
            descriptor_suspended,
            page_offset: self.page_offset,
            suspended: suspension.is_some(),
            expired: suspension.is_some_and(|suspension| suspension.terms.deadline.has_passed()),
            sealed: self.is_sealed(),
            ended,
            in_kernel: self.in_kernel,
            unpinnable: self.unpinnable,
            holder,
            generation: counters.generation.load(Relaxed),
            redirects: counters.redirects.load(Relaxed),
            faults: self.faults(),
            waiters: counters.waiters.load(Relaxed),
            waits: counters.waits.load(Relaxed),
            longest_wait_ns: counters.longest_wait_ns.load(Relaxed),
            wired: self.wired_pages(),
            part_of: None,
            is_sub_map: false,
        }
    }
}
