// SPDX-License-Identifier: GPL-2.0

//! A descriptor and those below it, of which some pages are: what who shows or uses the pages has to do with.

use super::{composite::Memory, memory::Leaf, Descriptor};
use crate::{pure::range::PageRange, registry::Strong};
use core::iter;
use kernel::{prelude::*, sync::Arc};

/// A descriptor, and pages of it.
pub(super) struct Shown {
    pub(super) descriptor: Strong<Descriptor>,
    pub(super) range: PageRange,
}

impl Shown {
    /// Its memory, if that is its own.
    pub(super) fn leaf(&self) -> Option<&Arc<dyn Leaf>> {
        match &self.descriptor.memory {
            Memory::Leaf(leaf) => Some(leaf),
            Memory::Composite(_) => None,
        }
    }

    /// Whether there is a page that both have.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.descriptor.is_same(&other.descriptor) && self.range.overlaps(other.range)
    }

    /// Everything below it, as of [`Levels`]. `ENOMEM`.
    fn below(&self) -> Result<KVVec<Self>> {
        let mut below = KVVec::new();
        let mut next = 0;

        self.add_parts(&mut below)?;
        while let Some(shown) = below.get(next) {
            let shown = Self {
                descriptor: shown.descriptor.clone(),
                range: shown.range,
            };
            shown.add_parts(&mut below)?;
            next += 1;
        }
        Ok(below)
    }

    /// Adds the parts of it that have some of its pages. `ENOMEM`.
    fn add_parts(&self, below: &mut KVVec<Self>) -> Result {
        // What has memory of its own has nothing below it.
        let Memory::Composite(composite) = &self.descriptor.memory else {
            return Ok(());
        };

        for (number, part) in composite.parts().iter().enumerate() {
            if let Some(range) = composite.share(number, self.range) {
                let descriptor = part.clone();
                below.push(Self { descriptor, range }, GFP_KERNEL_ACCOUNT)?;
            }
        }
        Ok(())
    }
}

/// Everything of which pages are among some of a descriptor: the descriptor itself, and each that is below
/// it, as often as it is there.
pub(super) struct Levels {
    top: Shown,
    /// `None` where it has memory of its own.
    below: Option<KVVec<Shown>>,
}

impl Levels {
    /// `ENOMEM`.
    #[inline]
    pub(super) fn new(descriptor: &Strong<Descriptor>, range: PageRange) -> Result<Self> {
        let top = Shown {
            descriptor: descriptor.clone(),
            range,
        };
        let below = match top.leaf() {
            Some(_) => None,
            None => Some(top.below()?),
        };

        Ok(Self { top, below })
    }

    /// The descriptor itself.
    pub(super) fn top(&self) -> &Shown {
        &self.top
    }

    /// All, the descriptor itself first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Shown> {
        Iterator::chain(iter::once(&self.top), self.below.iter().flatten())
    }

    /// All, the descriptor itself first.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Shown> {
        Iterator::chain(iter::once(self.top), self.below.into_iter().flatten())
    }

    /// What has memory of its own.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Arc<dyn Leaf>> {
        self.iter().filter_map(Shown::leaf)
    }
}
