// SPDX-License-Identifier: GPL-2.0

//! Redirect, and what ends it: IOMemoryMap::redirect, with deadlines and owners.

use super::{standing::Reach, switch::Switch, Handle, Map};
use crate::{
    descriptor::{
        prepared::{Prepared, Purpose},
        Descriptor, Part,
    },
    os::wait::Deadline,
    pure::range::PageRange,
    registry::Strong,
    suspension::{Abandoned, HandleId, Suspension, Terms},
};
use kernel::prelude::*;

/// New memory for a map: as many pages as the map has, of a descriptor whose rights suffice. It is
/// prepared before any lock is taken.
pub(crate) struct Target(pub(crate) Prepared);

impl Target {
    /// `EBUSY` if it is just being copied and the map is writable, or if others show it in another
    /// cache mode; as [`Part::observe`].
    pub(super) fn observed_by(&self, map: &Strong<Map>) -> Result<Part> {
        let purpose = Purpose::showing(!map.options.is_read_only());
        // It is prepared already.
        let memory = Descriptor::prepare(&self.0, self.0.range(), purpose)?;

        Self(memory).become_part(map)
    }

    /// As [`Target::observed_by`], of what is needed for nothing else.
    #[inline]
    fn become_part(self, map: &Strong<Map>) -> Result<Part> {
        Part::observe(
            self.0,
            !map.options.is_read_only(),
            map.options.cache_mode(),
            || map.arc().clone(),
        )
    }
}

/// How long a suspension lasts without a resume.
pub(crate) struct Patience {
    pub(crate) deadline: Deadline,
    pub(crate) abandoned: Abandoned,
}

impl Handle {
    /// All mappings of the map show other memory from now on, all pages of it. Returns how many
    /// pages of the old memory are held by others (pinned for I/O): those can still reach it.
    ///
    /// `EPERM` for a map that is not Unique or that another handle sealed; `EBUSY` if pages are wired, or
    /// are held and that is to be refused, or as of [`Target::observed_by`]; `EINTR` if the task is
    /// killed while another controller is at work; `ENOMEM`. Nothing is changed then. An ended map:
    /// nothing is done.
    pub(crate) fn redirect(&self, target: Target, refuse_pinned: bool) -> Result<usize> {
        let map = &self.map;
        let switch = self.control()?;

        if map.has_ended() {
            return Ok(0);
        }
        map.check_wires()?;
        let part = target.become_part(map)?;
        switch.close(Terms::SWITCH);
        switch.zap(map.range);
        let pinned = switch.check_pins(map.range, refuse_pinned);
        let unused = match pinned {
            Ok(pinned) => switch.redirect(part, pinned),
            Err(_) => {
                switch.settle();
                Some(part)
            }
        };
        drop(unused);
        pinned
    }

    /// Accesses to pages of the map wait from now on, also those to pages that are suspended
    /// already, until they are resumed or the map is redirected. Result and errors as of
    /// [`Handle::redirect`].
    pub(crate) fn suspend(
        &self,
        range: PageRange,
        patience: Patience,
        refuse_pinned: bool,
    ) -> Result<usize> {
        let map = &self.map;
        let switch = self.control()?;

        if map.has_ended() {
            return Ok(0);
        }
        let suspension = Suspension {
            owner: self.id,
            abandoned: patience.abandoned,
            terms: Terms {
                // A suspension lasts as long as its caller likes, so that for it both he and the
                // map's creator need the privilege, and if it lasts already, those before him.
                kernel_may_wait: map.maker.and_current_may_suspend_the_kernel(),
                deadline: patience.deadline,
            },
        };
        let in_pages = switch.in_pages(range)?;

        // Not on the terms of the suspension: until it is sure not to be refused, nobody may suffer
        // from it.
        switch.close(Terms::SWITCH);
        switch.zap(range);
        let pinned = switch.check_pins(range, refuse_pinned);
        match pinned {
            Ok(_) => switch.hold(suspension, range, in_pages),
            Err(_) => switch.settle(),
        }
        pinned
    }

    /// Ends the suspension of pages, on the memory that the map showed before it. `EPERM`, `EINTR`,
    /// `ENOMEM` as [`Handle::redirect`]. Where nothing is suspended nothing is done.
    pub(crate) fn resume(&self, range: PageRange) -> Result {
        let switch = self.control()?;

        let reach = switch.reach();
        if reach == Reach::Nothing {
            return Ok(());
        }
        let in_pages = switch.in_pages(range)?;
        switch.shut(Terms::SWITCH);
        switch.let_go(range, reach, in_pages);
        Ok(())
    }

    /// The right to change what the map shows. `EPERM` if it is not Unique or another handle sealed
    /// it, `EINTR` if the task is killed while another controller is at work.
    fn control(&self) -> Result<Switch<'_>> {
        if !self.map.options.is_unique() {
            return Err(EPERM);
        }
        let switch = Switch::new(&self.map, self.map.control.lock()?);
        self.map.check_seal(self.id)?;
        Ok(switch)
    }
}

impl Switch<'_> {
    /// As [`Switch::held_pages`]; `EBUSY` if there are any and that is to be refused.
    fn check_pins(&self, range: PageRange, refuse: bool) -> Result<usize> {
        let held = self.held_pages(range)?;

        if refuse && held != 0 {
            return Err(EBUSY);
        }
        Ok(held)
    }
}

impl Map {
    /// A handle is gone: does with its suspension, if it has one, as was said when it was made.
    pub(super) fn abandon(&self, handle: HandleId) {
        let ends = |suspension: &Suspension| suspension.ends_with(handle);

        // Without the mutex first: few handles have one, and it can be held for a whole copy.
        if !self.standing.lock().suspension.as_ref().is_some_and(ends) {
            return;
        }
        let switch = Switch::new(self, self.control.lock_unkillable());
        if let Some(suspension) = switch.suspension().filter(ends) {
            match suspension.abandoned() {
                Some(rest) => switch.change_suspension(rest),
                None => {
                    switch.shut(Terms::SWITCH);
                    switch.let_go(self.range, switch.reach(), None);
                }
            }
        }
    }
}
