// SPDX-License-Identifier: GPL-2.0

//! Memory that may be taken away: IOMemoryDescriptor::setPurgeable.
//!
//! Volatile memory is on a shrinker's list. It is taken as a whole, or not at all:
//!
//! ```text
//! whoever takes                       access
//! -------------                       ------
//! takes `contents` for writing        has `contents` for reading until its page is in; or does
//!                                     not get it, drops the fault lock, and waits
//! zaps all observers                  entries are gone, every access faults, and waits
//! looks for held pages                (nobody can get hold of one any more)
//! notes that it is empty, takes
//! unlocks, frees                      faults again: SIGBUS
//! ```
//!
//! Lock order: `purging`; the buffer's `contents`; `observers` and the core's i_mmap_rwsem. Memory is
//! allocated under any of them, and a shrinker runs in the middle of that: it tries the three, and
//! waits for i_mmap_rwsem alone, under which nobody allocates.

use super::{
    buffer::Buffer,
    observers::Observers,
    taking::{Taken, Taking},
    Descriptor,
};
use crate::{
    os::{
        global::{global_mutex, Loading},
        shrinker::{Listing, Reclaim, Shrinker},
        trace,
    },
    pure::purge::{Purgeable, Step},
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

global_mutex! {
    static SHRINKER: Mutex<Option<Arc<Shrinker<Descriptor>>>> = None;
    /// Makes the place of the shrinker usable.
    fn init_shrinker
}

/// Volatile memory is taken away where it is needed, as long as this is there.
pub(crate) struct Purging(());

impl Purging {
    /// `ENOMEM`.
    pub(crate) fn start(loading: &Loading) -> Result<Self> {
        init_shrinker(loading);
        *SHRINKER.lock() = Some(Shrinker::register(c"iomd")?);
        Ok(Self(()))
    }
}

impl Drop for Purging {
    fn drop(&mut self) {
        let shrinker = SHRINKER.lock().take();
        drop(shrinker);
    }
}

impl Descriptor {
    /// Whether its memory may be taken away, or was.
    pub(crate) fn purgeable(&self) -> Purgeable {
        self.parts()
            .iter()
            .map(|part| part.purgeable())
            .fold(self.own_purgeable(), Purgeable::and)
    }

    /// That of its own memory.
    pub(super) fn own_purgeable(&self) -> Purgeable {
        self.observers.lock().purgeable
    }

    /// Changes that; returns what it was.
    ///
    /// `EOPNOTSUPP` if memory of its kind cannot be taken away; `EPERM` for memory that is relied on (a map is sealed); `EBUSY` if a page that is to be
    /// taken is held, or copied; `ENOMEM` if there is none to give back, or for the administration;
    /// `EINTR` if the task is killed. Nothing is changed then.
    pub(crate) fn set_purgeable(this: &Strong<Self>, wanted: Purgeable) -> Result<Purgeable> {
        if let [part] = this.parts() {
            return Self::set_purgeable(part, wanted);
        }
        let buffer = this.buffer().ok_or(EOPNOTSUPP)?;
        let mut listing = this.purging.lock()?;
        let old = this.purgeable();

        match old.step(wanted) {
            Step::Stay => {}
            Step::Offer => {
                let shrinker = SHRINKER.lock().clone().ok_or(ENODEV)?;
                let new = Listing::new(shrinker, buffer.account(), this.arc().clone())?;
                {
                    let mut observers = this.observers.lock();
                    observers.check_volatile()?;
                    observers.purgeable = wanted;
                }
                *listing = Some(new);
            }
            Step::Keep => {
                this.observers.lock().purgeable = wanted;
                *listing = None;
            }
            Step::Take => {
                let taking = buffer.taking();
                let taken = Self::take(taking, &mut this.observers.lock())?;
                trace::purge(this.id(), taken.count());
                drop(taken);
                *listing = None;
            }
            Step::Restore => {
                buffer.restore()?;
                this.observers.lock().purgeable = wanted;
            }
        }
        Ok(old)
    }

    /// Takes the memory away, all of it or none. `EBUSY`, `EPERM` as
    /// [`Descriptor::set_purgeable`].
    fn take<'a>(taking: Taking<'a>, observers: &mut Observers) -> Result<Taken<'a>> {
        observers.check_take()?;
        // Looked at first, so that nobody's entries are zapped to find that out.
        if taking.finds_held_page() {
            return Err(EBUSY);
        }
        observers.zap();
        // Until the zap others could get hold of one.
        if taking.finds_held_page() {
            return Err(EBUSY);
        }
        observers.purgeable = Purgeable::Empty;
        Ok(taking.take())
    }
}

impl Reclaim for Descriptor {
    fn reclaimable(&self) -> usize {
        self.buffer()
            .and_then(Buffer::try_pages)
            .map_or(0, |pages| pages.count())
    }

    fn reclaim(&self) -> usize {
        let Some(mut listing) = self.purging.try_lock() else {
            return 0;
        };
        // It can have been made NonVolatile just now.
        if listing.is_none() {
            return 0;
        }
        // Nobody gains by the loss of no pages.
        let Some(taking) = self
            .buffer()
            .and_then(Buffer::try_taking)
            .filter(|taking| taking.count() != 0)
        else {
            return 0;
        };
        let Some(mut observers) = self.observers.try_lock() else {
            return 0;
        };
        let Ok(taken) = Self::take(taking, &mut observers) else {
            return 0;
        };

        drop(observers);
        *listing = None;
        trace::purge(self.id(), taken.count());
        taken.count()
    }
}
