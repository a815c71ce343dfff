// SPDX-License-Identifier: GPL-2.0

//! Memory of a task (IOMemoryDescriptor::withAddressRanges): some of its addresses, and from the first
//! prepare to the last complete the pages that were there.
//!
//! Lock order: `preparations`, then `contents`. The pages are pinned without either.

use super::{
    extents::Extents,
    memory::{Facts, ForeignContents, Kind, Leaf, Store},
    pinned::Pinned,
    preparation::Preparation,
    prepared::Purpose,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_ADDRESS_RANGES,
    os::{
        account::Account,
        address_space::KeptAddressSpace,
        rwsem::{new_rw_semaphore, RwSemaphore},
    },
    pure::{direction::Direction, range::AddressRange},
    registry::Strong,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

const KIND: Kind = Kind {
    number: IOMD_KIND_ADDRESS_RANGES,
    name: c"ranges",
};

/// Which memory it is.
pub(crate) struct Ranges {
    pub(crate) address_space: KeptAddressSpace,
    /// At least one.
    pub(crate) ranges: KVVec<AddressRange>,
    pub(crate) direction: Direction,
}

#[pin_data]
struct AddressRanges {
    source: Arc<Ranges>,
    pages: usize,
    account: Arc<Account>,
    #[pin]
    preparations: Mutex<Preparations>,
    #[pin]
    contents: RwSemaphore<ForeignContents>,
}

/// How often it is prepared. The pages are there while it is.
struct Preparations {
    count: usize,
    writable: bool,
    /// That of the pages that are there, or were last.
    last: Option<Preparation>,
}

impl Descriptor {
    /// Memory of a task, on the current task's account. It is not prepared yet.
    ///
    /// `EINVAL`, `EOVERFLOW`, `ENOMEM`.
    pub(crate) fn new_address_ranges(source: Arc<Ranges>) -> Result<Strong<Self>> {
        let account = Arc::new(Account::of_current()?, GFP_KERNEL_ACCOUNT)?;
        let extents = source.extents()?;
        let pages = extents.pages();
        let facts = Facts {
            kind: &KIND,
            extents,
            writable: source.direction.writes(),
            sparse: false,
            user_id: account.user_id(),
        };
        let leaf = Arc::pin_init(
            pin_init!(AddressRanges {
                source,
                pages,
                account,
                preparations <- new_mutex!(Preparations {
                    count: 0,
                    writable: false,
                    last: None,
                }, "iomd_preparations"),
                contents <- new_rw_semaphore!(None, "iomd_ranges"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;

        Self::new(facts, leaf)
    }
}

impl Ranges {
    fn extents(&self) -> Result<Extents> {
        let (first, others) = self.ranges.split_first().ok_or(EINVAL)?;
        let mut extents = Extents::new(first.head(), first.length())?;

        for range in others {
            extents.push(range.head(), range.length())?;
        }
        Ok(extents)
    }
}

impl AddressRanges {
    /// One more preparation, if there is one already. `EACCES` if that is for reading only, and this is
    /// not.
    fn join(&self, purpose: Purpose) -> Result<bool> {
        let mut preparations = self.preparations.lock();

        if preparations.count == 0 {
            return Ok(false);
        }
        if purpose == Purpose::Write && !preparations.writable {
            return Err(EACCES);
        }
        preparations.count = preparations.count.checked_add(1).ok_or(ENOMEM)?;
        Ok(true)
    }

    /// The first preparation, unless there is one by now.
    fn install(&self, pinned: KBox<Pinned>, writable: bool) -> Result<bool> {
        let mut preparations = self.preparations.lock();

        if preparations.count != 0 {
            return Ok(false);
        }
        let last = Some(Preparation::new()?);
        *self.contents.write() = Some(pinned);
        *preparations = Preparations {
            count: 1,
            writable,
            last,
        };
        Ok(true)
    }

    fn pin(&self, writable: bool) -> Result<KBox<Pinned>> {
        let pinned = Pinned::new(&self.account, self.pages, writable, |pins| {
            self.source.ranges.iter().try_for_each(|range| {
                pins.add_memory_of(
                    &self.source.address_space,
                    range.first_page(),
                    range.pages(),
                )
            })
        })?;

        Ok(KBox::new(pinned, GFP_KERNEL_ACCOUNT)?)
    }
}

impl Leaf for AddressRanges {
    fn store(&self) -> Store<'_> {
        Store::Foreign(&self.contents)
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.source.direction)
    }

    fn preparation(&self) -> Option<Preparation> {
        self.preparations.lock().last
    }

    /// `ESRCH` if the task is dead, `EFAULT` and `EOPNOTSUPP` as of
    /// [`Pins::add_memory_of`](crate::os::pins::Pins::add_memory_of), `ENOMEM` beyond the creator's
    /// limits, `EINTR` if the task is killed.
    fn prepare(&self, purpose: Purpose) -> Result {
        let writable = match purpose {
            Purpose::Read => false,
            Purpose::Write => true,
            Purpose::Look | Purpose::Touch => self.source.direction.writes(),
        };

        while !self.join(purpose)? {
            let pinned = self.pin(writable)?;
            // Who was faster has pages that are as good, but for what purpose?
            if self.install(pinned, writable)? {
                break;
            }
        }
        Ok(())
    }

    fn complete(&self) {
        let unused = {
            let mut preparations = self.preparations.lock();

            preparations.count = preparations.count.saturating_sub(1);
            if preparations.count == 0 {
                self.contents.write().take()
            } else {
                None
            }
        };

        // Without the locks: there can be many.
        drop(unused);
    }

    fn renewed(&self) -> Result<Option<Strong<Descriptor>>> {
        let writable = {
            let preparations = self.preparations.lock();
            if preparations.count == 0 {
                return Ok(None);
            }
            preparations.writable
        };
        let now = self.pin(writable)?;
        let is_same = {
            let before = self.contents.read();
            // If it was completed meanwhile, it has no memory that could differ.
            before.as_ref().is_none_or(|before| now.is_same(&**before))
        };

        if is_same {
            return Ok(None);
        }
        Descriptor::new_address_ranges(self.source.clone()).map(Some)
    }
}
