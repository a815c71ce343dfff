// SPDX-License-Identifier: GPL-2.0

//! Descriptors that consist of others, and where a page of one is.
//!
//! A composite has no memory. It says whose pages its own are; its parts can be composites too, but
//! only so deep, and so many all in all: whoever shows a composite is known to every descriptor below
//! it, and whoever looks for a page goes down level by level.

use super::{
    extents::Extents,
    memory::{Facts, Kind, Leaf, Place},
    Descriptor,
};
use crate::{
    abi::{IOMD_NESTING_MAX, IOMD_PARTS_MAX},
    os::account::Account,
    pure::{layout::Step, range::PageRange},
    registry::Strong,
};
use core::iter;
use kernel::{prelude::*, sync::Arc};

/// What a descriptor's pages are.
pub(super) enum Memory {
    Leaf(Arc<dyn Leaf>),
    Composite(KBox<dyn Composite>),
}

/// Memory of other descriptors.
pub(crate) trait Composite: Send + Sync {
    fn parts(&self) -> &[Strong<Descriptor>];

    /// Where a page comes from; `None` beyond the end.
    fn step(&self, page: usize) -> Option<Step>;

    /// The pages of a part that are in `range`, if any.
    fn share(&self, part: usize, range: PageRange) -> Option<PageRange>;
}

/// How much there is below a descriptor.
#[derive(Clone, Copy)]
pub(super) struct Below {
    levels: u32,
    /// Each as often as it is there.
    descriptors: u32,
}

impl Below {
    pub(super) const NOTHING: Self = Self {
        levels: 0,
        descriptors: 0,
    };

    /// `ELOOP` if that is too much.
    fn parts(parts: &[Strong<Descriptor>]) -> Result<Self> {
        let mut below = Self::NOTHING;

        for part in parts {
            let part = part.below;
            below.levels = below.levels.max(part.levels.saturating_add(1));
            below.descriptors = below
                .descriptors
                .saturating_add(part.descriptors)
                .saturating_add(1);
        }
        if below.levels > IOMD_NESTING_MAX || below.descriptors > IOMD_PARTS_MAX {
            return Err(ELOOP);
        }
        Ok(below)
    }
}

/// A part, and the rights with which it was given.
pub(crate) struct Given {
    pub(crate) descriptor: Strong<Descriptor>,
    pub(crate) writable: bool,
}

/// The parts of what was given, and whether all are writable. `EINVAL` if only some are: a
/// descriptor has one direction; `ENOMEM`.
pub(super) fn parts_of(given: KVec<Given>) -> Result<(KVVec<Strong<Descriptor>>, bool)> {
    let mut parts = KVVec::with_capacity(given.len(), GFP_KERNEL_ACCOUNT)?;
    let writable = given.first().is_some_and(|first| first.writable);

    for Given {
        descriptor,
        writable: this,
    } in given
    {
        if this != writable {
            return Err(EINVAL);
        }
        parts.push(descriptor, GFP_KERNEL_ACCOUNT)?;
    }
    Ok((parts, writable))
}

impl Descriptor {
    /// A descriptor of others' memory. `ELOOP` if it is nested too deeply or too much is below it;
    /// `ENOMEM`.
    pub(super) fn new_composite(
        kind: &'static Kind,
        extents: Extents,
        writable: bool,
        composite: KBox<dyn Composite>,
    ) -> Result<Strong<Self>> {
        let facts = Facts {
            kind,
            extents,
            writable,
            sparse: false,
            user_id: Account::of_current()?.user_id(),
        };
        let below = Below::parts(composite.parts())?;

        Self::make(facts, Memory::Composite(composite), below)
    }

    /// What it consists of; nothing for memory of its own.
    pub(crate) fn parts(&self) -> &[Strong<Self>] {
        match &self.memory {
            Memory::Leaf(_) => &[],
            Memory::Composite(composite) => composite.parts(),
        }
    }

    /// The place of a page of the page space; `None` beyond the end.
    pub(crate) fn place(&self, mut page: usize) -> Option<Place<'_>> {
        let mut descriptor = self;
        let mut pages = self.range.pages().checked_sub(page)?;

        loop {
            match &descriptor.memory {
                Memory::Leaf(leaf) => {
                    return (pages != 0).then_some(Place {
                        owner: descriptor,
                        leaf,
                        page,
                        pages,
                    });
                }
                Memory::Composite(composite) => {
                    let step = composite.step(page)?;
                    page = step.page;
                    pages = pages.min(step.pages);
                    descriptor = composite.parts().get(step.part)?;
                }
            }
        }
    }

    /// The places of a range, as few as can be: with the page with which each begins.
    pub(super) fn places(&self, range: PageRange) -> impl Iterator<Item = (usize, Place<'_>)> {
        let mut next = range.start();

        iter::from_fn(move || {
            let left = range.end().checked_sub(next).filter(|&left| left != 0)?;
            let place = self.place(next)?;
            let (page, pages) = (next, place.pages.min(left));
            next = next.checked_add(pages)?;
            Some((page, Place { pages, ..place }))
        })
    }
}
