// SPDX-License-Identifier: GPL-2.0

//! Wiring: IOMemoryMap::wireRange. A map of which pages are wired has their memory, and goes on having
//! it: nobody takes it away or gives the map other memory.

use super::{switch::Switch, Handle, Map};
use crate::{
    descriptor::wire::Wired,
    pure::{
        range::PageRange,
        wires::{self, Run, WireError},
    },
};
use kernel::prelude::*;

/// Which pages of a map are wired, and how often, if any are: of most maps none ever are.
pub(super) type Wires = Option<KBox<WiredPages>>;

pub(super) struct WiredPages {
    /// At least one.
    runs: KVVec<Run>,
    _memory: Wired,
}

/// Those of a map.
fn runs(wires: &Wires) -> &[Run] {
    wires.as_ref().map_or(&[], |wired| &wired.runs)
}

impl From<WireError<Error>> for Error {
    fn from(error: WireError<Error>) -> Self {
        match error {
            WireError::TooOften => EBUSY,
            WireError::NotWired => EINVAL,
            WireError::Refused(error) => error,
        }
    }
}

impl Handle {
    /// Wires pages of the map once more: they have memory from now on.
    ///
    /// `EPERM` if another handle sealed it; `ENODEV` for a map that has ended; `ENODATA` if its memory
    /// was taken away; `ENOMEM`; `EBUSY` if a page is wired too often; `EINTR` if the task is killed.
    pub(crate) fn wire(&self, range: PageRange) -> Result {
        let switch = self.wiring()?;
        let (descriptor, shown) = switch.shown(range).ok_or(ENODEV)?;
        let (_, all) = switch.shown(self.map.range).ok_or(ENODEV)?;
        let memory = Wired::new(&descriptor, all)?;
        let mut wired = KVVec::new();

        wires::wire(runs(&self.map.wires.lock()), range, |run| {
            Ok(wired.push(run, GFP_KERNEL_ACCOUNT)?)
        })?;
        memory.bring(shown)?;
        let wired = WiredPages {
            runs: wired,
            _memory: memory,
        };
        self.map
            .replace_wires(Some(KBox::new(wired, GFP_KERNEL_ACCOUNT)?))
    }

    /// Undoes that once. `EINVAL` if a page is not wired; `EPERM`, `ENODEV`, `ENOMEM`, `EINTR` as
    /// [`Handle::wire`].
    pub(crate) fn unwire(&self, range: PageRange) -> Result {
        let _switch = self.wiring()?;
        let mut left = KVVec::new();
        let old = {
            let mut wires = self.map.wires.lock();

            wires::unwire(runs(&wires), range, |run| {
                Ok(left.push(run, GFP_KERNEL_ACCOUNT)?)
            })?;
            wires.take()
        };
        let wired = old.filter(|_| !left.is_empty()).map(|mut wired| {
            wired.runs = left;
            wired
        });
        self.map.replace_wires(wired)
    }

    /// The right to change which memory the map shows, and so to say that it stays.
    fn wiring(&self) -> Result<Switch<'_>> {
        let switch = Switch::new(&self.map, self.map.control.lock()?);

        self.map.check_seal(self.id)?;
        if self.map.has_ended() {
            return Err(ENODEV);
        }
        Ok(switch)
    }
}

impl Map {
    /// `EBUSY` if pages are wired. Whoever holds the control mutex can rely on it.
    pub(super) fn check_wires(&self) -> Result {
        if self.wires.lock().is_none() {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }

    /// How many pages are wired.
    pub(super) fn wired_pages(&self) -> usize {
        wires::pages(runs(&self.wires.lock()))
    }

    /// With the mapping its wirings end.
    pub(super) fn unwire_all(&self) {
        let old = self.wires.lock().take();

        // Without the lock.
        drop(old);
    }

    /// `ENODEV` if the map has ended meanwhile, which takes no control mutex.
    fn replace_wires(&self, new: Wires) -> Result {
        let old = {
            let mut wires = self.wires.lock();
            if self.has_ended() {
                return Err(ENODEV);
            }
            core::mem::replace(&mut *wires, new)
        };

        drop(old);
        Ok(())
    }
}
