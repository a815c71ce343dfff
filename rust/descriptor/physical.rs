// SPDX-License-Identifier: GPL-2.0

//! Physical memory (IOMemoryDescriptor::withPhysicalAddress): what the kernel does not use itself, such
//! as memory of a device without a driver. It is always there, and is cached as the kernel's own
//! mapping of it is: not at all.

use super::{
    extents::Extents,
    memory::{Facts, Kind, Leaf, Store},
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_PHYSICAL,
    os::{account::Account, physical::PhysicalRange},
    pure::{cache::CacheMode, direction::Direction, range::AddressRange},
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

const KIND: Kind = Kind {
    number: IOMD_KIND_PHYSICAL,
    name: c"physical",
};

struct Physical {
    range: Arc<PhysicalRange>,
    direction: Direction,
}

impl Descriptor {
    /// Physical memory. `EBUSY` if some of it is not to be had; `ENOMEM`.
    pub(crate) fn new_physical(range: AddressRange, direction: Direction) -> Result<Strong<Self>> {
        let claimed = PhysicalRange::claim(range.first_page(), range.pages())?;
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(range.head(), range.length())?,
            writable: direction.writes(),
            sparse: false,
            user_id: Account::of_current()?.user_id(),
        };
        let leaf = Physical {
            range: Arc::new(claimed, GFP_KERNEL)?,
            direction,
        };

        Self::new(facts, Arc::new(leaf, GFP_KERNEL)?)
    }
}

impl Leaf for Physical {
    fn store(&self) -> Store<'_> {
        Store::Device(&self.range)
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn cache_mode(&self) -> CacheMode {
        CacheMode::Uncached
    }
}
