// SPDX-License-Identifier: GPL-2.0

//! The cache mode of a descriptor's memory.
//!
//! All who show it show it in one mode, whichever part. It is the first one's to choose, and changes
//! only while nobody shows the memory: so there is no entry in a page table that has another. When the
//! last one leaves, the memory is write-back again, long before it is freed. Meanwhile it may not be
//! taken away.

use super::{buffer::Buffer, observer::Observer, observers::Ticket, Descriptor};
use crate::pure::{cache::CacheMode, purge::Purgeable, range::PageRange};
use kernel::{prelude::*, sync::Arc};

impl Descriptor {
    /// How its memory is cached now; `None` if some of it so and some otherwise.
    pub(crate) fn cache_mode(&self) -> Option<CacheMode> {
        let Some((first, others)) = self.parts().split_first() else {
            return Some(self.observers.lock().cache_mode);
        };
        let mode = first.cache_mode()?;

        others
            .iter()
            .all(|part| part.cache_mode() == Some(mode))
            .then_some(mode)
    }

    /// Adds an observer, to show the memory in that mode or, with none, in that which it has.
    ///
    /// Those whose memory is others' have no mode, and none is asked for. `EOPNOTSUPP` if memory of its kind
    /// cannot have the mode; `EBUSY` if the mode would have to change although others show the memory, it may
    /// be taken away, or one of its pages is held; `ENOMEM`; `EINTR` if the task is killed; and as of
    /// [`super::observers::Observers::attach`].
    pub(super) fn attach(
        &self,
        range: PageRange,
        writable: bool,
        mode: Option<CacheMode>,
        observer: Arc<dyn Observer>,
    ) -> Result<Ticket> {
        // In the order of whoever takes the memory away. Kept until the mode has changed, so that
        // nobody comes or goes meanwhile.
        let pages = mode.and_then(|_| self.buffer()).map(Buffer::pages);
        let mut observers = self.observers.lock();
        let mode = mode.unwrap_or(observers.cache_mode);
        let changes = mode != observers.cache_mode;

        if changes && !self.buffer().is_some_and(Buffer::can_change_cache_mode) {
            return Err(EOPNOTSUPP);
        }
        if changes && (observers.count() != 0 || observers.purgeable != Purgeable::NonVolatile) {
            return Err(EBUSY);
        }
        let ticket = observers.attach(range, writable, observer)?;
        if let Some(pages) = pages.filter(|_| changes) {
            if let Err(error) = pages.set_cache_mode(mode) {
                let detached = observers.detach(ticket);
                drop(observers);
                drop(detached);
                return Err(error);
            }
            observers.cache_mode = mode;
        }
        Ok(ticket)
    }

    /// Takes an observer out whose entries in page tables are gone.
    pub(super) fn detach(&self, ticket: Ticket) {
        let mut observers = self.observers.lock();
        let detached = if observers.cache_mode == CacheMode::WriteBack {
            let detached = observers.detach(ticket);
            drop(observers);
            detached
        } else {
            drop(observers);
            // As long as the observer is one the mode stays.
            self.detach_last(ticket)
        };

        // Without the locks: it can be the observer's last reference.
        drop(detached);
    }

    /// As [`Descriptor::detach`], and gives the memory its own mode back with the last.
    fn detach_last(&self, ticket: Ticket) -> Option<Arc<dyn Observer>> {
        let pages = self.buffer().map(Buffer::pages);
        let mut observers = self.observers.lock();
        let detached = observers.detach(ticket);

        if let Some(pages) = pages.filter(|_| observers.count() == 0) {
            pages.restore_cache_mode();
            observers.cache_mode = CacheMode::WriteBack;
        }
        detached
    }
}
