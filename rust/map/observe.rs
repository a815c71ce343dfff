// SPDX-License-Identifier: GPL-2.0

//! A map as its descriptor sees it.

use super::{switch::Switch, Map};
use crate::{
    descriptor::{
        observer::{LockedObserver, Observer},
        Descriptor, Part,
    },
    os::{mutex::Guard, wait::Deadline},
    pure::range::PageRange,
    suspension::Terms,
};
use kernel::prelude::*;

impl Map {
    /// The part of `descriptor` that it shows, if that is its own descriptor and it has not ended.
    pub(super) fn shown(&self, descriptor: &Descriptor) -> Option<PageRange> {
        self.in_part(|part| (part.descriptor().id() == descriptor.id()).then(|| part.range()))
    }

    /// What `look` finds in what it shows, if it has not ended.
    fn in_part<T>(&self, look: impl FnOnce(&Part) -> Option<T>) -> Option<T> {
        let state = self.state.read();

        state.part.as_ref().filter(|_| !state.ended).and_then(look)
    }
}

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

    fn settle(&self) {
        Switch::new(self, self.control.lock_unkillable()).settle();
    }

    fn is_relied_on(&self) -> bool {
        self.is_sealed() && !self.has_ended()
    }

    fn zap(&self) {
        self.zap(self.range);
    }
}

struct Locked<'a> {
    switch: Switch<'a>,
    /// We closed the gate, or narrowed it.
    closed: bool,
}

impl LockedObserver for Locked<'_> {
    fn shows(&self, descriptor: &Descriptor, range: PageRange) -> bool {
        let shows = |part: &Part| part.shows(descriptor, range).then_some(());

        self.switch.map().in_part(shows).is_some()
    }

    fn all_of(&self, descriptor: &Descriptor) -> Option<PageRange> {
        self.switch.map().in_part(|part| part.all_of(descriptor))
    }

    fn is_writable(&self) -> bool {
        !self.switch.map().options.is_read_only()
    }

    fn passes(&self) -> bool {
        self.switch.map().gate.passes_some()
    }

    fn is_sealed(&self) -> bool {
        self.switch.map().is_sealed()
    }

    fn check_redirect(&self) -> Result {
        let map = self.switch.map();

        if map.options.is_unique() {
            map.check_wires()
        } else {
            Err(EPERM)
        }
    }

    fn suspend(&mut self) -> bool {
        // The gate of a suspended map is closed, and its entries are gone.
        if self.passes() {
            let map = self.switch.map();
            self.switch.close(Terms {
                // How long it takes depends on how much is copied, which the caller chose.
                kernel_may_wait: map.maker.and_current_may_suspend_the_kernel(),
                deadline: Deadline::NEVER,
            });
            self.closed = true;
        }
        self.closed
    }

    fn zap(&mut self) {
        if self.closed {
            self.switch.zap(self.switch.map().range);
        }
    }

    fn resume(&mut self, part: Option<Part>) {
        let closed = core::mem::take(&mut self.closed);

        // The copy counted the pins, for all of its maps.
        let unused = part
            .filter(|_| closed)
            .and_then(|part| self.switch.install(part, 0));
        self.switch.settle();
        drop(unused);
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.resume(None);
    }
}
