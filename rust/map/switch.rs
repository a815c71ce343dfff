// SPDX-License-Identifier: GPL-2.0

//! Switching what a map shows: redirect, suspend, resume.

use super::Map;
use crate::{
    descriptor::{Descriptor, Part},
    os::{mutex::Guard, user},
    pure::range::PageRange,
    registry::Strong,
};
use kernel::{
    prelude::*,
    sync::atomic::{Relaxed, Release},
};

/// New memory for a map: as many pages as the map has, of a descriptor whose rights suffice.
pub(crate) struct Target {
    pub(crate) descriptor: Strong<Descriptor>,
    pub(crate) range: PageRange,
}

/// The right to change what a map shows: its control mutex is held.
pub(super) struct Switch<'a> {
    map: &'a Map,
    _control: Guard<'a, ()>,
}

impl<'a> Switch<'a> {
    pub(super) fn new(map: &'a Map, control: Guard<'a, ()>) -> Self {
        Self {
            map,
            _control: control,
        }
    }

    pub(super) fn map(&self) -> &'a Map {
        self.map
    }

    /// Whether a redirect to nothing holds accesses up.
    pub(super) fn is_suspended(&self) -> bool {
        self.map.state.read().suspended
    }

    /// From here on no fault inserts a page; accesses that fault wait.
    pub(super) fn close(&self, kernel_may_wait: bool) {
        self.map.kernel_may_wait.store(kernel_may_wait, Relaxed);
        self.map.closed.store(true, Release);
        // A fault that saw the gate open has `state` until its page is in.
        drop(self.map.state.write());
    }

    /// Takes away what faults have inserted. With the gate closed, no access that comes after it
    /// reaches the memory.
    pub(super) fn zap(&self) {
        self.map.inode.zap();
    }

    /// How many pages of the memory are held by others than page tables.
    pub(super) fn held_pages(&self) -> usize {
        let part = self
            .map
            .state
            .read()
            .part
            .as_ref()
            .map(|part| (part.descriptor().clone(), part.range()));

        // Without the lock: it can be a long range.
        part.map_or(0, |(descriptor, range)| descriptor.held_pages(range))
    }

    /// Accesses pass to `part`.
    pub(super) fn install(&self, part: Part) {
        let unused = {
            let mut state = self.map.state.write();
            if state.ended {
                // Perhaps retired, which nothing would take the part out of again.
                Some(part)
            } else {
                state.suspended = false;
                state.part.replace(part)
            }
        };
        drop(unused);
        self.map.counters.redirects.fetch_add(1, Relaxed);
        self.changed();
        self.open();
    }

    /// Accesses go on waiting.
    pub(super) fn stay_suspended(&self) {
        self.map.state.write().suspended = true;
        self.changed();
    }

    /// A suspension is over, and accesses pass to the same memory.
    fn end_suspension(&self) {
        self.map.state.write().suspended = false;
        self.changed();
        self.open();
    }

    /// Accesses pass again.
    pub(super) fn open(&self) {
        self.map.closed.store(false, Release);
        self.map.access.wake_all();
    }

    fn changed(&self) {
        self.map.counters.generation.fetch_add(1, Relaxed);
    }
}

impl Map {
    /// IOMemoryMap::redirect: all mappings of the map show `target` from now on, or with `None`
    /// hold up every access until the next redirect. Returns how many pages of the old memory are
    /// held by others (pinned for I/O): those can still reach it.
    ///
    /// `EPERM` for a map that is not Unique; `EBUSY` if pages are held and that is to be refused,
    /// or if the target is just being copied; `EINTR` if the task is killed while another
    /// controller is at work; `ENOMEM`. Nothing is changed then. An ended map: nothing is done.
    pub(crate) fn redirect(
        map: &Strong<Self>,
        target: Option<Target>,
        refuse_pinned: bool,
    ) -> Result<usize> {
        if !map.options.is_unique() {
            return Err(EPERM);
        }
        let switch = Switch::new(map, map.control.lock()?);
        if map.has_ended() {
            return Ok(0);
        }
        let part = target
            .map(|target| {
                Part::observe(
                    &target.descriptor,
                    target.range,
                    !map.options.is_read_only(),
                    map.arc().clone(),
                )
            })
            .transpose()?;
        let was_suspended = switch.is_suspended();

        // A switch to other memory is over as soon as the old is zapped, so that the kernel itself
        // may wait for it. A suspension lasts as long as its caller likes, so that for it both he
        // and the map's creator need the privilege, and if it lasts already, those before him.
        let could_wait = map.kernel_may_wait.load(Relaxed);
        let may_wait = if was_suspended {
            could_wait && (part.is_some() || user::may_suspend_the_kernel())
        } else {
            part.is_some() || map.privileged && user::may_suspend_the_kernel()
        };
        switch.close(may_wait);
        switch.zap();
        let pinned = switch.held_pages();
        if refuse_pinned && pinned != 0 {
            if was_suspended {
                map.kernel_may_wait.store(could_wait, Relaxed);
            } else {
                switch.open();
            }
            return Err(EBUSY);
        }
        match part {
            Some(part) => switch.install(part),
            None => switch.stay_suspended(),
        }
        Ok(pinned)
    }

    /// Ends a suspension, on the memory that the map showed before it. `EPERM`, `EINTR` as
    /// [`Map::redirect`]. A map that is not suspended: nothing is done.
    pub(crate) fn resume(&self) -> Result {
        if !self.options.is_unique() {
            return Err(EPERM);
        }
        let switch = Switch::new(self, self.control.lock()?);
        if switch.is_suspended() {
            switch.end_suspension();
        }
        Ok(())
    }
}
