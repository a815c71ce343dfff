// SPDX-License-Identifier: GPL-2.0

//! Redirect, and what ends it: IOMemoryMap::redirect, with deadlines and owners.

use super::{switch::Switch, Handle, Map};
use crate::{
    descriptor::{Descriptor, Part},
    os::{user, wait::Deadline},
    pure::range::PageRange,
    registry::Strong,
    suspension::{Abandoned, HandleId, Suspension, Terms},
};
use kernel::prelude::*;

/// New memory for a map: as many pages as the map has, of a descriptor whose rights suffice.
pub(crate) struct Target {
    pub(crate) descriptor: Strong<Descriptor>,
    pub(crate) range: PageRange,
}

impl Target {
    /// `EBUSY` if it is just being copied and the map is writable.
    pub(super) fn observed_by(&self, map: &Strong<Map>) -> Result<Part> {
        Part::observe(
            &self.descriptor,
            self.range,
            !map.options.is_read_only(),
            map.arc().clone(),
        )
    }
}

/// Where a map is redirected to.
pub(crate) enum Redirection {
    To(Target),
    /// To nothing: accesses wait.
    Suspend {
        deadline: Deadline,
        abandoned: Abandoned,
    },
}

impl Handle {
    /// All mappings of the map show other memory from now on, or hold up every access. Returns how
    /// many pages of the old memory are held by others (pinned for I/O): those can still reach it.
    ///
    /// `EPERM` for a map that is not Unique or that another handle sealed; `EBUSY` if pages are held and that is to be refused,
    /// or if the target is just being copied; `EINTR` if the task is killed while another
    /// controller is at work; `ENOMEM`. Nothing is changed then. An ended map: nothing is done.
    pub(crate) fn redirect(&self, redirection: Redirection, refuse_pinned: bool) -> Result<usize> {
        let map = &self.map;
        let switch = self.control()?;

        if !map.options.is_unique() {
            return Err(EPERM);
        }
        if map.has_ended() {
            return Ok(0);
        }
        let last = switch.suspension();
        let next = match redirection {
            Redirection::To(target) => Next::Show(target.observed_by(map)?),
            Redirection::Suspend {
                deadline,
                abandoned,
            } => Next::Suspend(Suspension {
                owner: self.id,
                abandoned,
                terms: Terms {
                    // A suspension lasts as long as its caller likes, so that for it both he and
                    // the map's creator need the privilege, and if it lasts already, those before
                    // him.
                    kernel_may_wait: map.privileged
                        && user::may_suspend_the_kernel()
                        && last.is_none_or(|last| last.terms.kernel_may_wait),
                    deadline,
                },
            }),
        };

        // Not on the terms of a suspension: until it is sure not to be refused, nobody may suffer
        // from it.
        switch.close(Terms::SWITCH);
        switch.zap();
        let pinned = switch.held_pages().and_then(|pinned| {
            if refuse_pinned && pinned != 0 {
                Err(EBUSY)
            } else {
                Ok(pinned)
            }
        });
        let mut unused = None;
        if let Ok(pinned) = pinned {
            match next {
                Next::Show(part) => unused = switch.install(part, pinned),
                Next::Suspend(suspension) => switch.set_suspension(Some(suspension)),
            }
        }
        switch.settle();
        drop(unused);
        pinned
    }
}

/// What follows on the old memory.
enum Next {
    Show(Part),
    Suspend(Suspension),
}

impl Handle {
    /// Ends a suspension, on the memory that the map showed before it. `EPERM`, `EINTR` as
    /// [`Handle::redirect`]. A map that is not suspended: nothing is done.
    pub(crate) fn resume(&self) -> Result {
        let switch = self.control()?;

        if !self.map.options.is_unique() {
            return Err(EPERM);
        }
        if switch.suspension().is_some() {
            switch.set_suspension(None);
            switch.settle();
        }
        Ok(())
    }

    /// The right to change what the map shows. `EPERM` if another handle sealed it, `EINTR` if the
    /// task is killed while another controller is at work.
    pub(super) fn control(&self) -> Result<Switch<'_>> {
        let switch = Switch::new(&self.map, self.map.control.lock()?);

        self.map.check_seal(self.id)?;
        Ok(switch)
    }
}

impl Map {
    /// A handle is gone: does with its suspension, if it has one, as was said when it was made.
    pub(super) fn abandon(&self, handle: HandleId) {
        let ends = |suspension: &Suspension| suspension.ends_with(handle);

        // Without the mutex first: few handles have one, and it can be held for a whole copy.
        if !self.state.read().suspension.as_ref().is_some_and(ends) {
            return;
        }
        let switch = Switch::new(self, self.control.lock_unkillable());
        if let Some(suspension) = switch.suspension().filter(ends) {
            switch.set_suspension(suspension.abandoned());
            switch.settle();
        }
    }
}
