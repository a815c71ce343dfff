// SPDX-License-Identifier: GPL-2.0

//! Some pages of each of several descriptors in turn.

use super::{
    composite::{parts_of, Composite, Given},
    extents::Extents,
    memory::Kind,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_INTERLEAVED,
    pure::{
        layout::{Step, Stripes},
        range::{PageRange, PAGE_SIZE},
    },
    registry::Strong,
};
use kernel::prelude::*;

const KIND: Kind = Kind {
    number: IOMD_KIND_INTERLEAVED,
    name: c"interleaved",
};

struct Interleaved {
    parts: KVVec<Strong<Descriptor>>,
    stripes: Stripes,
}

impl Composite for Interleaved {
    fn parts(&self) -> &[Strong<Descriptor>] {
        &self.parts
    }

    fn step(&self, page: usize) -> Option<Step> {
        self.stripes.step(page)
    }

    fn share(&self, part: usize, range: PageRange) -> Option<PageRange> {
        self.stripes.share(part, range)
    }
}

impl Descriptor {
    /// `granularity` bytes of each part, then the next of each, to their end.
    ///
    /// `EINVAL` if there are no parts, they are not equally long, not whole stripes of whole pages
    /// that can be mapped, or some are writable and some are not; `EOVERFLOW` if they are too long
    /// together; `ENOMEM`; as [`Descriptor::new_composite`].
    pub(crate) fn new_interleaved(parts: KVec<Given>, granularity: u64) -> Result<Strong<Self>> {
        let (parts, writable) = parts_of(parts)?;
        let length = parts.first().ok_or(EINVAL)?.extents().length();
        let is_whole = |part: &Strong<Self>| {
            let all = part.extents().cover(0, 0);
            all.is_ok_and(|all| all.head == 0 && all.length == length)
        };

        if granularity == 0 || granularity % PAGE_SIZE != 0 || length % granularity != 0 {
            return Err(EINVAL);
        }
        if !parts.iter().all(is_whole) {
            return Err(EINVAL);
        }
        let stripes = Stripes {
            parts: parts.len(),
            width: usize::try_from(granularity / PAGE_SIZE).map_err(|_| EOVERFLOW)?,
        };
        let all = length.checked_mul(parts.len() as u64).ok_or(EOVERFLOW)?;
        Self::new_composite(
            &KIND,
            Extents::new(0, all)?,
            writable,
            KBox::new(Interleaved { parts, stripes }, GFP_KERNEL_ACCOUNT)?,
        )
    }
}
