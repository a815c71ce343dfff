// SPDX-License-Identifier: GPL-2.0

//! Who shows a descriptor's memory, and what is just being done to it.

use super::{few::Few, observer::Observer, suspend::DescriptorSuspension, Descriptor};
use crate::{
    os::task,
    pure::{cache::CacheMode, numbers::Numbers, purge::Purgeable, range::PageRange},
};
use kernel::{
    prelude::*,
    rbtree::RBTree,
    sync::{atomic::Atomic, Arc},
};

/// Names an attachment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

struct Attachment {
    ticket: Ticket,
    range: PageRange,
    writable: bool,
    observer: Arc<dyn Observer>,
}

/// Observers in the order in which they are locked.
pub(super) type ById = RBTree<u64, Arc<dyn Observer>>;

/// What is being done to a part of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is being suspended: nobody may begin to show it.
    Suspend,
    /// Its bytes are copied: nobody may begin to write them.
    Source,
    /// Its bytes are written.
    Target,
}

struct Claim {
    ticket: Ticket,
    range: PageRange,
    use_: Use,
}

/// Who shows a descriptor's memory, and which parts of it are being copied.
pub(super) struct Observers {
    attachments: Few<Attachment>,
    claims: Few<Claim>,
    pub(super) suspension: Option<DescriptorSuspension>,
    pub(super) purgeable: Purgeable,
    /// How many rely on the memory being there.
    pub(super) wires: usize,
    /// How all of them show the memory; while there is none, write-back, or what it always has.
    pub(super) cache_mode: CacheMode,
    tickets: Numbers,
}

impl Observers {
    /// None yet, of memory that is cached so.
    pub(super) const fn new(cache_mode: CacheMode) -> Self {
        Self {
            attachments: Few::Nothing,
            claims: Few::Nothing,
            suspension: None,
            purgeable: Purgeable::NonVolatile,
            wires: 0,
            cache_mode,
            tickets: Numbers::after(Atomic::new(0)),
        }
    }

    /// `ENOMEM` if there are no more.
    fn ticket(&self) -> Result<Ticket> {
        Ok(Ticket(self.tickets.next().ok_or(ENOMEM)?))
    }

    pub(super) fn count(&self) -> usize {
        self.attachments.len()
    }

    /// `EBUSY` for a writer of what is being copied, for all while it is being suspended, and for
    /// one that is relied on if the memory may be taken away.
    pub(super) fn attach(
        &mut self,
        range: PageRange,
        writable: bool,
        observer: Arc<dyn Observer>,
    ) -> Result<Ticket> {
        let refused = self.claims.iter().any(|claim| {
            let forbids = match claim.use_ {
                Use::Suspend => true,
                Use::Source => writable,
                Use::Target => false,
            };
            forbids && claim.range.overlaps(range)
        });
        let may_be_taken = self.purgeable != Purgeable::NonVolatile;
        if refused || may_be_taken && observer.is_relied_on() {
            return Err(EBUSY);
        }
        let ticket = self.ticket()?;
        self.attachments.push(
            Attachment {
                ticket,
                range,
                writable,
                observer,
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        Ok(ticket)
    }

    /// Takes an attachment out; the caller drops the observer without the lock.
    pub(super) fn detach(&mut self, ticket: Ticket) -> Option<Arc<dyn Observer>> {
        self.attachments
            .take(|attachment| attachment.ticket == ticket)
            .map(|attachment| attachment.observer)
    }

    /// `EBUSY` if another copy uses a page of the range, unless both only read it.
    pub(super) fn claim(&mut self, range: PageRange, use_: Use) -> Result<Ticket> {
        let conflicts = |other: Use| use_ == Use::Target || other == Use::Target;
        let mut overlapping = self
            .claims
            .iter()
            .filter(|claim| claim.range.overlaps(range));
        if use_ != Use::Suspend
            && overlapping.any(|claim| claim.use_ != Use::Suspend && conflicts(claim.use_))
        {
            return Err(EBUSY);
        }
        let ticket = self.ticket()?;
        self.claims.push(
            Claim {
                ticket,
                range,
                use_,
            },
            GFP_KERNEL,
        )?;
        Ok(ticket)
    }

    /// Whether the bytes of a page are being copied, so that nobody may write them.
    pub(super) fn is_copied(&self, page: usize) -> bool {
        self.claims.iter().any(|claim| {
            claim.use_ == Use::Source && (claim.range.start()..=claim.range.last()).contains(&page)
        })
    }

    /// Lets tasks reach pages of the range only to read them, until they fault: takes the page-table
    /// entries of those away who can write one. See [`Observer::zap`].
    ///
    /// `EPERM` if one of them relies on it; `EBUSY` while a copy writes such a page.
    pub(super) fn zap_writers(&self, range: PageRange) -> Result {
        let is_writer =
            |attachment: &&Attachment| attachment.writable && attachment.range.overlaps(range);
        let writers = || self.attachments.iter().filter(is_writer);
        let is_target = |claim: &Claim| claim.use_ == Use::Target && claim.range.overlaps(range);

        if writers().any(|writer| writer.observer.is_relied_on()) {
            return Err(EPERM);
        }
        if self.claims.iter().any(is_target) {
            return Err(EBUSY);
        }
        for writer in writers() {
            writer.observer.zap();
            task::yield_if_needed();
        }
        Ok(())
    }

    pub(super) fn release(&mut self, ticket: Ticket) {
        self.claims.take(|claim| claim.ticket == ticket);
    }

    /// Whether the memory may be, or be made, one that is taken away. `EPERM` if it is relied on,
    /// `EBUSY` if it is not write-back.
    pub(super) fn check_volatile(&self) -> Result {
        let is_relied_on = |attachment: &Attachment| attachment.observer.is_relied_on();

        if self.attachments.iter().any(is_relied_on) {
            return Err(EPERM);
        }
        if self.cache_mode != CacheMode::WriteBack {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// As [`Observers::check_volatile`], and `EBUSY` if it is wired, or just being copied, or copied to.
    pub(super) fn check_take(&self) -> Result {
        let is_copied = self.claims.iter().any(|claim| claim.use_ != Use::Suspend);

        if self.wires != 0 || is_copied {
            return Err(EBUSY);
        }
        self.check_volatile()
    }

    /// Every observer of a page of the range, by id: once each, although one that is being
    /// redirected within the descriptor has two attachments.
    pub(super) fn of(&self, range: PageRange) -> Result<ById> {
        let mut observers = RBTree::new();

        self.add_to(&mut observers, range)?;
        Ok(observers)
    }

    /// Adds those to others.
    pub(super) fn add_to(&self, observers: &mut ById, range: PageRange) -> Result {
        for attachment in &*self.attachments {
            if attachment.range.overlaps(range) {
                let observer = attachment.observer.clone();
                observers.try_create_and_insert(observer.id(), observer, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    /// Takes the page-table entries of all away. See [`Observer::zap`].
    pub(super) fn zap(&self) {
        for attachment in &*self.attachments {
            attachment.observer.zap();
            task::yield_if_needed();
        }
    }

    /// The observer with the smallest id above `id`.
    pub(super) fn next(&self, id: u64) -> Option<Arc<dyn Observer>> {
        self.attachments
            .iter()
            .map(|attachment| &attachment.observer)
            .filter(|observer| observer.id() > id)
            .min_by_key(|observer| observer.id())
            .cloned()
    }
}

/// A claim, as long as this is there.
pub(super) struct Claimed<'a> {
    descriptor: &'a Descriptor,
    ticket: Ticket,
}

impl<'a> Claimed<'a> {
    /// `EBUSY` as of [`Observers::claim`].
    pub(super) fn new(descriptor: &'a Descriptor, range: PageRange, use_: Use) -> Result<Self> {
        let ticket = descriptor.observers.lock().claim(range, use_)?;

        Ok(Self { descriptor, ticket })
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        self.descriptor.observers.lock().release(self.ticket);
        self.descriptor.released.wake_all();
    }
}
