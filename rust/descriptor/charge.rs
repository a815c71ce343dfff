// SPDX-License-Identifier: GPL-2.0

//! Locked memory that is charged at once, for all of something.

use crate::os::account::Account;
use kernel::{prelude::*, sync::Arc};

/// It is charged as long as this is there.
pub(super) struct Charge {
    account: Arc<Account>,
    pages: usize,
}

impl Charge {
    /// So many pages. `ENOMEM` if they are beyond the locked memory that is left.
    pub(super) fn new(account: &Arc<Account>, pages: usize) -> Result<Self> {
        account.charge(pages)?;
        Ok(Self {
            account: account.clone(),
            pages,
        })
    }

    /// Who pays.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.uncharge(self.pages);
    }
}
