// SPDX-License-Identifier: GPL-2.0

//! A map as its descriptor sees it.

use super::{suspension::Terms, switch::Switch, Map};
use crate::{
    descriptor::{
        observer::{LockedObserver, Observer},
        Descriptor, Part,
    },
    os::{mutex::Guard, user, wait::Deadline},
    pure::range::PageRange,
};
use kernel::prelude::*;

impl Observer for Map {
    fn id(&self) -> u64 {
        Map::id(self)
    }

    fn lock<'a>(&'a self, outer: &Guard<'_, ()>) -> Result<KBox<dyn LockedObserver + 'a>> {
        let control = self.control.lock_nested(outer)?;

        Ok(KBox::new(
            Locked {
                switch: Switch::new(self, control),
                closed: false,
            },
            GFP_KERNEL,
        )?)
    }
}

struct Locked<'a> {
    switch: Switch<'a>,
    /// We closed the gate.
    closed: bool,
}

impl LockedObserver for Locked<'_> {
    fn shown(&self, descriptor: &Descriptor) -> Option<PageRange> {
        let state = self.switch.map().state.read();

        state
            .part
            .as_ref()
            .filter(|part| !state.ended && part.descriptor().id() == descriptor.id())
            .map(Part::range)
    }

    fn is_writable(&self) -> bool {
        !self.switch.map().options.is_read_only()
    }

    fn passes(&self) -> bool {
        self.switch.suspension().is_none()
    }

    fn is_sealed(&self) -> bool {
        self.switch.map().is_sealed()
    }

    fn is_redirectable(&self) -> bool {
        self.switch.map().options.is_unique()
    }

    fn suspend(&mut self) -> bool {
        // The gate of a suspended map is closed, and its entries are gone.
        if self.passes() {
            let map = self.switch.map();
            self.switch.close(Terms {
                // How long it takes depends on how much is copied, which the caller chose.
                kernel_may_wait: map.privileged && user::may_suspend_the_kernel(),
                deadline: Deadline::NEVER,
            });
            self.closed = true;
        }
        self.closed
    }

    fn zap(&mut self) {
        if self.closed {
            self.switch.zap();
        }
    }

    fn resume(&mut self, part: Option<Part>) {
        if !core::mem::take(&mut self.closed) {
            return;
        }
        if let Some(part) = part {
            // The copy counted them, for all of its maps.
            self.switch.install(part, 0);
        }
        self.switch.open();
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.resume(None);
    }
}
