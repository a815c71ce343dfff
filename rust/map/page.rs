// SPDX-License-Identifier: GPL-2.0

//! What a page of a map has, for those who copy it without mapping it.

use super::Map;
use crate::{
    descriptor::{memory::Leaf, Part},
    os::{
        address_space::KeptAddressSpace,
        pages::Page,
        wait::{Deadline, Sleep},
    },
    pure::range::PageRange,
};
use kernel::{prelude::*, sync::Arc};

/// What a page has.
enum Found {
    Memory(Page),
    /// A lazy copy has not got it yet.
    Later(Arc<dyn Leaf>, usize),
    Nothing,
}

impl Map {
    /// What `look` says of what the map shows, when nothing holds accesses of an address space to any of
    /// these pages up. As long as it looks the map shows nothing else.
    ///
    /// Waits as an access does: `ETIMEDOUT` past the deadline, `EINTR` if a signal comes first. `EIO`
    /// where an access would get SIGBUS.
    pub(crate) fn when_reached<T>(
        &self,
        address_space: &KeptAddressSpace,
        range: PageRange,
        deadline: Deadline,
        look: impl FnOnce(&Part) -> Result<T>,
    ) -> Result<T> {
        let viewer = address_space.number();

        loop {
            if self.has_ended() {
                return Err(EIO);
            }
            // To wait for `state` is right here: no lock of a task's is held.
            let entered = self.gate.enter(viewer, || Some(self.state.read()));
            let Some(state) = entered.filter(|state| !state.held.holds_any(range)) else {
                self.wait_for_pages(viewer, range, deadline)?;
                continue;
            };
            let part = state.part.as_ref().filter(|_| !state.ended);
            return look(part.ok_or(EIO)?);
        }
    }

    /// Calls `look` with what an address space sees as page `index`; not, if there is no memory yet.
    ///
    /// As [`Map::when_reached`]; `EOPNOTSUPP` for memory that the kernel does not manage.
    pub(crate) fn with_page(
        &self,
        address_space: &KeptAddressSpace,
        index: usize,
        deadline: Deadline,
        look: impl FnOnce(&Page) -> Result,
    ) -> Result {
        let range = PageRange::new(index, 1).ok_or(EIO)?;

        loop {
            let found = self.when_reached(address_space, range, deadline, |part| {
                let place = part.place(index).ok_or(EIO)?;
                let pages = place.leaf.store().pages();

                if pages.are_gone() {
                    return Err(EIO);
                }
                // A reference of our own: nothing is copied under these locks.
                match pages.get(place.page) {
                    Some(page) => Ok(Found::Memory(page.share())),
                    None if place.leaf.as_lazy_copy().is_some() => {
                        Ok(Found::Later(place.leaf.clone(), place.page))
                    }
                    None if pages.address(place.page).is_some() => Err(EOPNOTSUPP),
                    None => Ok(Found::Nothing),
                }
            })?;
            match found {
                Found::Memory(page) => return look(&page),
                Found::Nothing => return Ok(()),
                Found::Later(leaf, index) => leaf.populate(index).map_err(|_| EIO)?,
            }
        }
    }

    /// Waits until nothing holds one of these pages up, or the map has ended.
    fn wait_for_pages(&self, viewer: usize, range: PageRange, deadline: Deadline) -> Result {
        // Who changes the state has closed the gate before: that is when to look again.
        let reaches = || {
            let state = self.state.try_read();
            self.gate.lets_pass(viewer) && state.is_none_or(|state| !state.held.holds_any(range))
        };
        let is_over = || self.has_ended() || reaches();

        self.access
            .wait(Sleep::Interruptible, is_over, || deadline)?;
        if is_over() {
            Ok(())
        } else {
            Err(ETIMEDOUT)
        }
    }
}
