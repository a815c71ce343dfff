// SPDX-License-Identifier: GPL-2.0

//! Suspending a descriptor: IOMemoryDescriptor::redirect(safeTask, on or off). Accesses through all
//! of its observers wait, but those of one safe address space.
//!
//! It is apart from what observers are suspended by themselves: an access passes only where neither
//! holds it up.

use super::{
    observers::{Claimed, Observers, Use},
    Descriptor,
};
use crate::{
    os::{address_space::KeptAddressSpace, trace},
    suspension::{HandleId, Suspension, Terms},
};
use kernel::{
    prelude::*,
    sync::atomic::{Acquire, Release},
};

/// A descriptor's suspension.
pub(crate) struct DescriptorSuspension {
    pub(crate) suspension: Suspension,
    /// Where the memory stays usable.
    pub(crate) safe: Option<KeptAddressSpace>,
}

impl Descriptor {
    /// On what terms accesses to it wait, and the number of the address space whose accesses do
    /// not; `None` if they all pass.
    #[inline]
    pub(crate) fn suspension(&self) -> Option<(Terms, usize)> {
        // Whoever suspends it takes the lock of every observer after that, and lets it look again.
        if self.suspended.load(Acquire) {
            self.suspension_there_is()
        } else {
            None
        }
    }

    #[inline(never)]
    fn suspension_there_is(&self) -> Option<(Terms, usize)> {
        let observers = self.observers.lock();
        let DescriptorSuspension { suspension, safe } = observers.suspension.as_ref()?;
        let safe = safe.as_ref().map_or(0, KeptAddressSpace::number);

        Some((suspension.terms, safe))
    }

    /// Lets accesses through every observer wait, those that come later included. When it returns
    /// none that began before reaches the memory any more. It replaces a suspension that there is.
    ///
    /// `EPERM` for a sealed observer; `ENOMEM`; `EINTR` if the task is killed while somebody else
    /// is at work. Nothing is changed then.
    pub(crate) fn suspend(&self, suspension: DescriptorSuspension) -> Result {
        let outer = self.copying.lock()?;
        // Whoever would become an observer meanwhile is refused: it would not be suspended. Those who
        // come later settle on the suspension by themselves.
        let _claimed = Claimed::new(self, self.range(), Use::Suspend)?;
        let observers = self.observers.lock().of(self.range())?;
        let mut locked = KVVec::new();
        for observer in observers.values() {
            let observer = observer.lock(&outer)?;
            if observer.shows(self, self.range()) {
                if observer.is_sealed() {
                    return Err(EPERM);
                }
                locked.push(observer, GFP_KERNEL)?;
            }
        }

        let old = self.set_suspension(&mut self.observers.lock(), Some(suspension));
        drop(old);
        trace::descriptor_suspend(self.id());
        for observer in &mut locked {
            observer.suspend();
        }
        for observer in &mut locked {
            observer.zap();
        }
        // Dropped, they settle on what holds them up now.
        Ok(())
    }

    /// Ends the suspension, if there is one. Cannot fail, but waits for whoever is at work.
    pub(crate) fn resume(&self) {
        let old = self.set_suspension(&mut self.observers.lock(), None);

        if old.is_some() {
            trace::descriptor_resume(self.id());
            self.settle_observers();
        }
    }

    /// A handle is gone: does with its suspension, if there is one, as was said when it was made.
    pub(crate) fn abandon(&self, handle: HandleId) {
        let old = {
            let mut observers = self.observers.lock();
            let Some(own) = observers
                .suspension
                .take_if(|own| own.suspension.ends_with(handle))
            else {
                return;
            };
            if let Some(suspension) = own.suspension.abandoned() {
                observers.suspension = Some(DescriptorSuspension {
                    suspension,
                    safe: own.safe,
                });
                None
            } else {
                self.suspended.store(false, Release);
                Some(own)
            }
        };

        match &old {
            Some(_) => trace::descriptor_resume(self.id()),
            None => trace::descriptor_suspend(self.id()),
        }
        drop(old);
        self.settle_observers();
    }

    /// Makes that its suspension. Returns the one before.
    fn set_suspension(
        &self,
        observers: &mut Observers,
        suspension: Option<DescriptorSuspension>,
    ) -> Option<DescriptorSuspension> {
        self.suspended.store(suspension.is_some(), Release);
        core::mem::replace(&mut observers.suspension, suspension)
    }

    /// Lets every observer see what holds it up now. Who becomes one meanwhile sees it as well.
    fn settle_observers(&self) {
        let mut last = 0;

        loop {
            let next = self.observers.lock().next(last);
            let Some(observer) = next else {
                break;
            };
            last = observer.id();
            observer.settle();
        }
    }
}
