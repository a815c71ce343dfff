// SPDX-License-Identifier: GPL-2.0

//! Memory that stays where it is: IOMemoryDescriptor::prepare and complete.
//!
//! Whoever shows memory, copies it or asks for that has it prepared. A leaf counts them, so that
//! memory of others is held from the first to the last.

use super::{composite::Memory, levels::Levels, reserve::Reserve, Descriptor};
use crate::{
    os::task,
    pure::{direction::Direction, range::PageRange},
    registry::Strong,
};
use core::ops::Deref;
use kernel::prelude::*;

/// What memory is prepared for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read only.
    Read,
    /// To be written too.
    Write,
    /// To be read, as it is prepared already; or else for all that the descriptor is made for.
    Look,
    /// As to look, and to be touched by mappings only: what comes on first touch can be missing.
    Touch,
}

impl Purpose {
    /// That of who shows it.
    pub(crate) fn showing(writable: bool) -> Self {
        if writable {
            Self::Write
        } else {
            Self::Look
        }
    }
}

/// A use of some pages of a descriptor, whose memory is there as long as this is.
pub(crate) struct Prepared {
    levels: Levels,
    /// How many of the leaves among them count it.
    leaves: usize,
}

impl Descriptor {
    /// Which way data go between its memory and devices.
    pub(crate) fn direction(&self) -> Direction {
        let said = match &self.memory {
            Memory::Leaf(leaf) => leaf.direction(),
            Memory::Composite(_) => None,
        };

        said.unwrap_or(if self.is_writable() {
            Direction::InOut
        } else {
            Direction::Out
        })
    }

    /// Prepares some pages, or none of them.
    ///
    /// To be called without locks, unless they are prepared already: pages of a task are touched, as by
    /// an access of the kernel's.
    ///
    /// `EACCES` if they are to be written and are not made for that, or are prepared to be read only;
    /// `ENOMEM`; and what keeps memory of their kind from being there ([`super::memory::Leaf::prepare`]).
    #[inline]
    pub(crate) fn prepare(
        this: &Strong<Self>,
        range: PageRange,
        purpose: Purpose,
    ) -> Result<Prepared> {
        if purpose == Purpose::Write && !this.is_writable() {
            return Err(EACCES);
        }
        let mut prepared = Prepared {
            levels: Levels::new(this, range)?,
            leaves: 0,
        };

        prepared.levels.leaves().try_for_each(|leaf| -> Result {
            leaf.prepare(purpose)?;
            prepared.leaves += 1;
            Ok(())
        })?;
        Ok(prepared)
    }

    /// The same descriptor, if its memory is what is there, where it comes from; or else a new one, of
    /// what is there now (withPersistentMemoryDescriptor).
    ///
    /// To be called without locks. What keeps memory of its kind from being there.
    pub(crate) fn persistent(this: &Strong<Self>) -> Result<Strong<Self>> {
        let renewed = match &this.memory {
            Memory::Leaf(leaf) => leaf.renewed()?,
            Memory::Composite(_) => None,
        };

        Ok(renewed.unwrap_or_else(|| this.clone()))
    }
}

impl Prepared {
    /// The pages that are prepared.
    pub(crate) fn range(&self) -> PageRange {
        self.levels.top().range
    }

    /// Whose pages they are, directly or by way of others.
    pub(super) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Gives each page memory that has none, where memory comes on first touch.
    ///
    /// `ENOMEM` beyond its creator's limits, `ENODATA` if it was taken away, `EINTR` if the task is
    /// killed: no page gets any then.
    pub(crate) fn bring(&self) -> Result {
        let mut reserve = Reserve::new(self);

        for page in self.range().start()..self.range().end() {
            reserve.add(page)?;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
        }
        reserve.commit()
    }
}

impl Deref for Prepared {
    type Target = Strong<Descriptor>;

    fn deref(&self) -> &Strong<Descriptor> {
        &self.levels.top().descriptor
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.levels
            .leaves()
            .take(self.leaves)
            .for_each(|leaf| leaf.complete());
    }
}
