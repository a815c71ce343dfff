// SPDX-License-Identifier: GPL-2.0

//! A range of another descriptor (IOSubMemoryDescriptor).

use super::{
    composite::{Composite, Given},
    memory::Kind,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_SUB,
    pure::{layout::Step, range::PageRange},
    registry::Strong,
};
use core::slice;
use kernel::prelude::*;

const KIND: Kind = Kind {
    number: IOMD_KIND_SUB,
    name: c"sub",
};

struct Sub {
    parent: Strong<Descriptor>,
    /// Of the parent.
    range: PageRange,
}

impl Composite for Sub {
    fn parts(&self) -> &[Strong<Descriptor>] {
        slice::from_ref(&self.parent)
    }

    fn step(&self, page: usize) -> Option<Step> {
        Some(Step {
            part: 0,
            page: self.range.nth(page)?,
            pages: self.range.pages().checked_sub(page)?,
        })
    }

    fn share(&self, _part: usize, range: PageRange) -> Option<PageRange> {
        self.range.slice(range.start(), range.pages())
    }
}

impl Descriptor {
    /// `length` bytes from `offset` of another's memory; length 0 is all that follows.
    ///
    /// `ERANGE` beyond its end, `EOVERFLOW`, `ENOMEM`; as [`Descriptor::new_composite`].
    pub(crate) fn new_sub(parent: Given, offset: u64, length: u64) -> Result<Strong<Self>> {
        let length = parent.descriptor.within(offset, length)?;
        let (range, extents) = parent.descriptor.extents().slice(offset, length)?;
        let sub = Sub {
            parent: parent.descriptor,
            range,
        };

        Self::new_composite(
            &KIND,
            extents,
            parent.writable,
            KBox::new(sub, GFP_KERNEL_ACCOUNT)?,
        )
    }
}
