// SPDX-License-Identifier: GPL-2.0

//! Pinned pages of others, on somebody's account.

use super::{charge::Charge, memory::ForeignPages};
use crate::os::{
    account::Account,
    pages::PageRef,
    pins::Pins, //
};
use kernel::{prelude::*, sync::Arc};

/// Pages that are pinned and charged as long as this is there.
pub(super) struct Pinned {
    pins: Pins,
    _charge: Charge,
}

impl Pinned {
    /// Pins `pages` pages as `pin` does it. `ENOMEM`, at once if it is beyond the locked memory that is
    /// left; and as `pin`.
    pub(super) fn new(
        account: &Arc<Account>,
        pages: usize,
        writable: bool,
        pin: impl FnOnce(&mut Pins) -> Result,
    ) -> Result<Self> {
        let charge = Charge::new(account, pages)?;
        let mut pins = account.in_memcg(|| Pins::new(pages, writable))?;

        pin(&mut pins)?;
        Ok(Self {
            pins,
            _charge: charge,
        })
    }

    /// Whether those are the same pages.
    pub(super) fn is_same(&self, other: &dyn ForeignPages) -> bool {
        let address = |page: Option<PageRef<'_>>| page.map(|page| page.physical_address());

        self.count() == other.count()
            && (0..self.count()).all(|index| address(self.get(index)) == address(other.get(index)))
    }
}

impl ForeignPages for Pinned {
    fn count(&self) -> usize {
        self.pins.count()
    }

    fn get(&self, index: usize) -> Option<PageRef<'_>> {
        self.pins.get(index)
    }
}
