// SPDX-License-Identifier: GPL-2.0

//! What a page of a map has, for those who copy it without mapping it.

use super::Map;
use crate::os::{
    address_space::KeptAddressSpace,
    pages::Page,
    wait::{Deadline, Sleep},
};
use kernel::prelude::*;

impl Map {
    /// Calls `look` with what an address space sees as page `index`; not, if there is no memory yet.
    ///
    /// Waits as an access does while something holds that up: `ETIMEDOUT` past the deadline, `EINTR`
    /// if a signal comes first. `EIO` where an access would get SIGBUS; `EOPNOTSUPP` for memory that
    /// the kernel does not manage.
    pub(crate) fn with_page(
        &self,
        address_space: &KeptAddressSpace,
        index: usize,
        deadline: Deadline,
        look: impl FnOnce(&Page) -> Result,
    ) -> Result {
        let viewer = address_space.number();
        let page = loop {
            if self.has_ended() {
                return Err(EIO);
            }
            // To wait for `state` is right here: no lock of a task's is held.
            let entered = self.gate.enter(viewer, || Some(self.state.read()));
            let Some(state) = entered.filter(|state| !state.held.holds(index)) else {
                self.wait_for_page(viewer, index, deadline)?;
                continue;
            };
            let place = state.part.as_ref().and_then(|part| part.place(index));
            let place = place.filter(|_| !state.ended).ok_or(EIO)?;
            let pages = place.leaf.store().pages();
            if pages.are_gone() {
                return Err(EIO);
            }
            // A reference of our own: nothing is copied under these locks.
            break match pages.get(place.page) {
                Some(page) => Some(page.share()),
                None if pages.address(place.page).is_some() => return Err(EOPNOTSUPP),
                None => None,
            };
        };

        page.map_or(Ok(()), |page| look(&page))
    }

    /// Waits until nothing holds a page up, or the map has ended.
    fn wait_for_page(&self, viewer: usize, index: usize, deadline: Deadline) -> Result {
        // Who changes the state has closed the gate before: that is when to look again.
        let reaches = || {
            let state = self.state.try_read();
            self.gate.lets_pass(viewer) && state.is_none_or(|state| !state.held.holds(index))
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
