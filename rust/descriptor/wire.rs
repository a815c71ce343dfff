// SPDX-License-Identifier: GPL-2.0

//! Memory that is wired: it is there, and is not taken away.

use super::{
    levels::{Levels, Shown},
    memory::Store,
    reserve::Reserve,
    Descriptor,
};
use crate::{
    os::task,
    pure::{purge::Purgeable, range::PageRange},
    registry::Strong,
};
use kernel::prelude::*;

/// The memory of a descriptor's pages, which can be that of others, is not taken away as long as this is
/// there.
pub(crate) struct Wired {
    descriptor: Strong<Descriptor>,
    /// Whose count says so.
    all: KVVec<Shown>,
}

impl Wired {
    /// `ENODATA` if it was taken away; `ENOMEM`.
    pub(crate) fn new(descriptor: &Strong<Descriptor>, range: PageRange) -> Result<Self> {
        let mut wired = Self {
            descriptor: descriptor.clone(),
            all: KVVec::new(),
        };

        for shown in Levels::new(descriptor, range)?.into_iter() {
            // Room first: what is counted is in the list.
            wired.all.reserve(1, GFP_KERNEL_ACCOUNT)?;
            {
                let mut observers = shown.descriptor.observers.lock();
                if observers.purgeable == Purgeable::Empty {
                    return Err(ENODATA);
                }
                observers.wires = observers.wires.checked_add(1).ok_or(EBUSY)?;
            }
            wired.all.push(shown, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(wired)
    }

    /// Gives the pages of `range` memory that have none. `ENODATA` if one is never to have any; `ENOMEM`
    /// beyond the creator's limits; `EINTR` if the task is killed: none gets any then.
    pub(crate) fn bring(&self, range: PageRange) -> Result {
        let mut reserve = Reserve::new(&self.descriptor);

        for index in range.start()..=range.last() {
            let place = self.descriptor.place(index).ok_or(ENODATA)?;
            if matches!(place.leaf.store(), Store::Nothing) {
                return Err(ENODATA);
            }
            if let Some(copy) = place.leaf.as_lazy_copy() {
                copy.fetch(place.page)?;
            }
            reserve.add(index)?;
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
        }
        reserve.commit()
    }
}

impl Drop for Wired {
    fn drop(&mut self) {
        for shown in &self.all {
            let mut observers = shown.descriptor.observers.lock();

            observers.wires = observers.wires.saturating_sub(1);
        }
    }
}
