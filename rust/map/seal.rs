// SPDX-License-Identifier: GPL-2.0

//! Seals: control of a map given to one handle alone, for good.
//!
//! A service that maps what a stranger gave it would otherwise wait when the stranger suspends the
//! map, and be killed by SIGBUS when he ends it.

use super::{switch::Switch, Handle, Map};
use crate::suspension::HandleId;
use kernel::{
    prelude::*,
    sync::atomic::{Acquire, Release},
};

impl Map {
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed_by.load(Acquire) != 0
    }

    /// `EPERM` if another handle sealed it.
    pub(super) fn check_seal(&self, handle: HandleId) -> Result {
        let sealed_by = self.sealed_by.load(Acquire);

        if sealed_by == 0 || sealed_by == handle.number() {
            Ok(())
        } else {
            Err(EPERM)
        }
    }
}

impl Handle {
    /// Lets only this handle control the map from now on. Nothing is done if it does already.
    ///
    /// `EPERM` if another does; `EBUSY` for a map that is suspended, or whose descriptor is, or that
    /// has ended, or whose memory may be taken away: nobody could rely on that one; `EINTR` if the
    /// task is killed while another controller is at work.
    pub(crate) fn seal(&self) -> Result {
        let switch = Switch::new(&self.map, self.map.control.lock()?);
        let held_up = switch.suspension().is_some() || self.map.gate.is_closed();

        self.map.check_seal(self.id)?;
        if self.map.has_ended() || held_up {
            return Err(EBUSY);
        }
        // First the seal: who makes the memory volatile from now on sees it, and who did so before
        // is seen.
        let before = self.map.sealed_by.load(Acquire);
        self.map.sealed_by.store(self.id.number(), Release);
        let kept = switch.check_non_volatile();
        if kept.is_err() {
            self.map.sealed_by.store(before, Release);
        }
        kept
    }

    /// Ends the mapping, see [`Map::end`]. `EPERM` if another handle sealed it; `EINTR` if the task
    /// is killed while another controller is at work.
    pub(crate) fn unmap(&self) -> Result {
        // A seal that comes now waits, and finds it ended.
        let _control = self.map.control.lock()?;

        self.map.check_seal(self.id)?;
        self.map.end();
        Ok(())
    }
}
