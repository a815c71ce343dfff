// SPDX-License-Identifier: GPL-2.0

//! Memory of somebody else's dma-buf.
//!
//! It stays where it is as long as the descriptor is there, and as long is between the beginning and
//! the end of accesses of processors. A user who shares it with a device meanwhile says so to the
//! dma-buf itself (DMA_BUF_IOCTL_SYNC), as with any mapping of one.

use super::{
    extents::Extents,
    memory::{Facts, ForeignContents, ForeignPages, Kind, Leaf, Store},
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_DMA_BUF,
    os::{
        account::Account,
        dma_buf::import::{DmaBuf, Held},
        pages::PageRef,
        rwsem::{new_rw_semaphore, RwSemaphore},
    },
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

const KIND: Kind = Kind {
    number: IOMD_KIND_DMA_BUF,
    name: c"dma-buf",
};

#[pin_data]
struct Imported {
    #[pin]
    contents: RwSemaphore<ForeignContents>,
}

impl Leaf for Imported {
    fn store(&self) -> Store<'_> {
        Store::Foreign(&self.contents)
    }
}

impl ForeignPages for Held {
    fn count(&self) -> usize {
        Held::count(self)
    }

    fn get(&self, index: usize) -> Option<PageRef<'_>> {
        Held::get(self, index)
    }
}

impl Descriptor {
    /// `length` bytes of a dma-buf from `offset` on, with the dma-buf's rights; length 0 is all that
    /// follows. `ERANGE` beyond its end, `EOVERFLOW`; as [`DmaBuf::hold`].
    pub(crate) fn new_dma_buf(dma_buf: DmaBuf, offset: u64, length: u64) -> Result<Strong<Self>> {
        let (range, extents) = Extents::new(0, dma_buf.length())?.slice(offset, length)?;
        let facts = Facts {
            kind: &KIND,
            extents,
            writable: dma_buf.access().is_writable(),
            sparse: false,
            user_id: Account::of_current()?.user_id(),
        };
        let held: KBox<dyn ForeignPages> = KBox::new(dma_buf.hold(range)?, GFP_KERNEL)?;
        let imported = Arc::pin_init(
            pin_init!(Imported {
                contents <- new_rw_semaphore!(Some(held), "iomd_dma_buf"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;

        Self::new(facts, imported)
    }
}
