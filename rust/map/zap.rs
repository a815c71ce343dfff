// SPDX-License-Identifier: GPL-2.0

//! Taking a map's page-table entries away, where there can be any.
//!
//! The kernel looks for entries in all page tables that the mappings' addresses share with others, which for
//! a large map are many. But entries come by faults, and every fault is counted before its entries go in:
//! fork and mremap copy and move those that are there. Where no fault was served since all entries were
//! taken away, there are none.

use super::{trail::Trail, Map};
use crate::pure::range::PageRange;
use kernel::sync::atomic::{Acquire, Release};

impl Map {
    /// How many faults were served.
    pub(super) fn faults(&self) -> u64 {
        self.state.locals().map(Trail::faults).sum()
    }

    /// Takes the entries for these pages away. The caller has what keeps faults from putting new ones in, so
    /// that those before are counted.
    pub(super) fn zap(&self, range: PageRange) {
        if self.faults() != self.faults_zapped.load(Acquire) {
            self.mappings.zap(range);
        }
    }

    /// Takes all entries away. Nobody puts any in until it has returned.
    pub(super) fn zap_all(&self) {
        let faults = self.faults();

        if faults != self.faults_zapped.load(Acquire) {
            self.mappings.zap(self.range);
            // Not before: who zaps at the same time relies on it.
            self.faults_zapped.store(faults, Release);
        }
    }
}
