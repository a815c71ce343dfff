// SPDX-License-Identifier: GPL-2.0

//! Memory that a task sees alone, to be seen elsewhere too (vm_remap): the very pages, pinned from the
//! beginning on, so that the task has them as long as it does not discard them.

use super::{
    extents::Extents,
    memory::{Facts, ForeignContents, Kind, Leaf, Store},
    pinned::Pinned,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_ADDRESS_RANGES,
    os::{
        account::Account,
        address_space::KeptAddressSpace,
        rwsem::{new_rw_semaphore, RwSemaphore},
    },
    pure::range::PageRange,
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

/// To users it is a range of a task's addresses.
const KIND: Kind = Kind {
    number: IOMD_KIND_ADDRESS_RANGES,
    name: c"ranges",
};

#[pin_data]
struct PrivateMemory {
    #[pin]
    contents: RwSemaphore<ForeignContents>,
}

impl Leaf for PrivateMemory {
    fn store(&self) -> Store<'_> {
        Store::Foreign(&self.contents)
    }
}

impl Descriptor {
    /// What an address space has in `length` bytes from an address on, whole pages, and sees alone; on
    /// the current task's account.
    ///
    /// To be called without locks. As [`Pins::add_private_memory_of`]; `ENOMEM` also beyond
    /// RLIMIT_MEMLOCK.
    ///
    /// [`Pins::add_private_memory_of`]: crate::os::pins::Pins::add_private_memory_of
    pub(crate) fn new_private_memory(
        address_space: &KeptAddressSpace,
        address: usize,
        length: u64,
    ) -> Result<Strong<Self>> {
        let pages = PageRange::object(length)?.pages();
        let account = Arc::new(Account::of_current()?, GFP_KERNEL_ACCOUNT)?;
        let pinned = Pinned::new(&account, pages, true, |pins| {
            pins.add_private_memory_of(address_space, address, pages)
        })?;
        let contents: ForeignContents = Some(KBox::new(pinned, GFP_KERNEL_ACCOUNT)?);
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(0, length)?,
            writable: true,
            sparse: false,
            user_id: account.user_id(),
        };
        let leaf = Arc::pin_init(
            pin_init!(PrivateMemory {
                contents <- new_rw_semaphore!(contents, "iomd_private"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;

        Self::new(facts, leaf)
    }
}
