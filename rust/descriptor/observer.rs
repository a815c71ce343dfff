// SPDX-License-Identifier: GPL-2.0

//! How a descriptor reaches those who show its memory, without knowing what they are.

use super::{Descriptor, Part};
use crate::{os::mutex::Guard, pure::range::PageRange};
use kernel::prelude::*;

/// Something through which tasks reach a part of a descriptor.
pub(crate) trait Observer: Send + Sync {
    /// Its id, by which several are locked in order.
    fn id(&self) -> u64;

    /// Takes its lock, so that nobody else changes what it shows; `EINTR` if the task is killed.
    fn lock<'a>(&'a self, outer: &Guard<'_, ()>) -> Result<KBox<dyn LockedObserver + 'a>>;

    /// Lets accesses pass or wait as what it shows is suspended now. Waits for its lock.
    fn settle(&self);

    /// Whether tasks reach memory through it that they rely on: nobody but its owner may hold up
    /// or refuse their accesses.
    fn is_relied_on(&self) -> bool;

    /// Takes page-table entries away, for whoever keeps new ones from coming. Allocates nothing, and
    /// waits for no lock under which that is done.
    fn zap(&self);
}

/// An observer that nobody else can change.
pub(crate) trait LockedObserver {
    /// Whether tasks reach a page of that part of `descriptor` through it, now.
    fn shows(&self, descriptor: &Descriptor, range: PageRange) -> bool;

    /// The pages of `descriptor` that it shows, if it shows nothing else, and in their order.
    fn all_of(&self, descriptor: &Descriptor) -> Option<PageRange>;

    /// Whether tasks can write through it.
    fn is_writable(&self) -> bool;

    /// Whether accesses pass now.
    fn passes(&self) -> bool;

    /// Whether nobody but its owner may suspend it.
    fn is_sealed(&self) -> bool;

    /// Whether it may be given other memory: `EPERM` if it never may (kIOMapUnique), `EBUSY` while it
    /// relies on what it has.
    fn check_redirect(&self) -> Result;

    /// From here on accesses wait, those of a safe address space too; what page tables hold stays
    /// until [`LockedObserver::zap`]. Says whether some passed before. Dropping it lets accesses
    /// pass that nothing holds up.
    fn suspend(&mut self) -> bool;

    /// No access that began before reaches the memory any more.
    fn zap(&mut self);

    /// Accesses that nothing else holds up pass again, to `part` if one is given and `suspend`
    /// stopped them.
    fn resume(&mut self, part: Option<Part>);
}
