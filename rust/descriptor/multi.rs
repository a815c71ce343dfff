// SPDX-License-Identifier: GPL-2.0

//! One descriptor after the other (IOMultiMemoryDescriptor).

use super::{
    composite::{parts_of, Composite, Given},
    extents::Extents,
    memory::Kind,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_MULTI,
    pure::{
        layout::{Chain, Step},
        range::PageRange,
    },
    registry::Strong,
};
use kernel::prelude::*;

const KIND: Kind = Kind {
    number: IOMD_KIND_MULTI,
    name: c"multi",
};

struct Multi {
    parts: KVVec<Strong<Descriptor>>,
    /// Pages up to the end of each part.
    ends: KVVec<usize>,
}

impl Multi {
    fn chain(&self) -> Chain<'_> {
        Chain { ends: &self.ends }
    }
}

impl Composite for Multi {
    fn parts(&self) -> &[Strong<Descriptor>] {
        &self.parts
    }

    fn step(&self, page: usize) -> Option<Step> {
        self.chain().step(page)
    }

    fn share(&self, part: usize, range: PageRange) -> Option<PageRange> {
        self.chain().share(part, range)
    }
}

impl Descriptor {
    /// The bytes of all parts, in their order.
    ///
    /// `EINVAL` if there are none, or some are writable and some are not; `EOVERFLOW` if they are
    /// too long together; `ENOMEM`; as [`Descriptor::new_composite`].
    pub(crate) fn new_multi(parts: KVec<Given>) -> Result<Strong<Self>> {
        let (parts, writable) = parts_of(parts)?;
        let mut ends = KVVec::with_capacity(parts.len(), GFP_KERNEL_ACCOUNT)?;
        let mut extents = None;
        let mut end = 0_usize;

        for part in &parts {
            end = end.checked_add(part.range().pages()).ok_or(EOVERFLOW)?;
            ends.push(end, GFP_KERNEL_ACCOUNT)?;
            Extents::append(&mut extents, part.extents())?;
        }
        Self::new_composite(
            &KIND,
            extents.ok_or(EINVAL)?,
            writable,
            KBox::new(Multi { parts, ends }, GFP_KERNEL_ACCOUNT)?,
        )
    }
}
