// SPDX-License-Identifier: GPL-2.0

//! What tells one preparation of memory from all others (IOMemoryDescriptor::getPreparationID).

use super::{composite::Memory, memory::Pages, Descriptor};
use crate::pure::numbers::Numbers;
use kernel::{prelude::*, sync::atomic::Atomic};

/// A preparation: as long as it is the same, so are the pages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preparation(u64);

impl Preparation {
    /// One that is no other. `ENOMEM` if there are no more.
    pub(crate) fn new() -> Result<Self> {
        static ALL: Numbers = Numbers::after(Atomic::new(0));

        Ok(Self(ALL.next().ok_or(ENOMEM)?))
    }

    /// Never 0; for [`Atomic`]s.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// From [`Preparation::number`].
    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl Descriptor {
    /// The preparation of its memory; `None` while some of it is not there. Of several memories, the
    /// one that came last: so it changes with each of theirs.
    pub(crate) fn preparation(&self) -> Option<Preparation> {
        match &self.memory {
            Memory::Leaf(leaf) => {
                // Before the pages: what a leaf knows can have a lock outside of theirs.
                let preparation = leaf.preparation().unwrap_or(self.first_preparation);
                let pages = leaf.store().pages();
                let is_there = matches!(pages, Pages::Nothing) || !pages.are_gone();

                is_there.then_some(preparation)
            }
            // As deep as descriptors are nested, which is bounded.
            Memory::Composite(composite) => composite
                .parts()
                .iter()
                .try_fold(self.first_preparation, |last, part| {
                    Some(last.max(part.preparation()?))
                }),
        }
    }
}
