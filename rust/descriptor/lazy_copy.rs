// SPDX-License-Identifier: GPL-2.0

//! Copies of a buffer's memory that get each page when one of the two sides touches it (the copy of
//! Mach's vm_remap).
//!
//! What is copied is the memory at one moment, which is taken as memory is taken away:
//!
//! ```text
//! copy                                  access, meanwhile
//! ----                                  -----------------
//! takes `contents` for writing          has `contents` for reading until its entry is in, or its
//!                                       bytes are written; or waits
//! gets on the buffer's list
//! zaps all who can write                entries are gone from page tables and TLBs: nobody writes
//! drops `contents`                      is there a copy that lacks the page? copies it there first
//! takes the pages that are held
//! ```
//!
//! Who holds a page (a pin for I/O) can write it without a fault. So that page is copied at once, and
//! what is written so meanwhile is in it or not, as in an atomic copy.

use super::{
    buffer::{self, Buffer},
    extents::Extents,
    levels::Levels,
    memory::{Facts, Leaf, Store},
    pending::Pending,
    prepared::Purpose,
    Descriptor,
};
use crate::{
    os::task,
    pure::range::{PageRange, PAGE_SIZE},
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

/// Memory that is a copy of a part of a buffer.
pub(crate) struct LazyCopy(Arc<Pending>);

impl LazyCopy {
    /// A copy of some pages, of a moment that is still to come; `None` if they are not all of one buffer
    /// that was made for it.
    ///
    /// It is on the current task's account, and is to be taken or dropped. `ENODATA` if the pages were
    /// taken away; `ENOMEM`, also beyond the locked memory that is left.
    pub(crate) fn new(descriptor: &Strong<Descriptor>, range: PageRange) -> Result<Option<Self>> {
        let all = Levels::new(descriptor, range)?;
        let whole = all.iter().find(|shown| {
            let buffer = shown.descriptor.buffer();

            // As many pages as there are all in all, each once: a range has them in order.
            shown.range.pages() == range.pages() && buffer.is_some_and(Buffer::has_lazy_copies)
        });

        whole
            .map(|whole| Pending::new(&whole.descriptor, whole.range).map(Self))
            .transpose()
    }

    /// This is the moment. To be called once, and by who keeps the memory from being replaced.
    ///
    /// `EPERM` if a map that can write it is sealed; `EBUSY` while a copy writes it, or if too many
    /// copies lack pages of it; `ENOMEM`. Then it is to be dropped.
    pub(crate) fn take(&self) -> Result {
        let descriptor = self.0.buffer().ok_or(ENODATA)?;
        let buffer = descriptor.buffer().ok_or(ENODATA)?;
        let contents = buffer.contents.write();

        // Until `contents` is dropped nobody gives it a page. Who claims the memory to write it, and then
        // looks at the list, finds this, or is found here.
        buffer.copies.add(self.0.clone())?;
        if let Some(array) = &*contents {
            array.set_copied(true);
        }
        let observers = descriptor.observers.lock();
        observers.zap_writers(self.0.source())
    }

    /// Fetches what somebody holds. `ENOMEM`; `EINTR` if the task is killed.
    pub(crate) fn fetch_held(&self) -> Result {
        let range = self.0.source();
        let mut next = range.start();

        while let Some(descriptor) = self.0.buffer() {
            let buffer = descriptor.buffer().ok_or(ENODATA)?;
            let Some((held, end)) = buffer.pages().held(next, range.last()) else {
                break;
            };
            // Those before it have no memory.
            for page in end.saturating_sub(held)..end {
                buffer.give(&self.0, page.saturating_sub(range.start()))?;
            }
            next = end;
            task::go_on()?;
        }
        Ok(())
    }

    /// Gets the page at `index`, if it has not got it yet. `ENODATA` if it never will; `ENOMEM`. To be
    /// called without locks.
    pub(crate) fn fetch(&self, index: usize) -> Result {
        match self.0.buffer() {
            Some(descriptor) => {
                let buffer = descriptor.buffer().ok_or(ENODATA)?;
                buffer.give(&self.0, index)
            }
            None if self.0.pages().has(index) => Ok(()),
            None => Err(ENODATA),
        }
    }

    /// It as a descriptor. `ENOMEM`.
    pub(crate) fn into_descriptor(self) -> Result<Strong<Descriptor>> {
        let pages = self.0.source().pages() as u64;
        let length = pages.checked_mul(PAGE_SIZE).ok_or(EOVERFLOW)?;
        let facts = Facts {
            kind: &buffer::KIND,
            extents: Extents::new(0, length)?,
            writable: true,
            sparse: true,
            user_id: self.0.user_id(),
        };

        Descriptor::new(facts, Arc::new(self, GFP_KERNEL_ACCOUNT)?)
    }
}

impl Leaf for LazyCopy {
    fn store(&self) -> Store<'_> {
        Store::Own(&self.0.contents)
    }

    fn populate(&self, index: usize) -> Result {
        self.fetch(index)
    }

    /// Who uses its memory in another way than by touching it has all of it first.
    fn prepare(&self, purpose: Purpose) -> Result {
        if purpose == Purpose::Touch {
            return Ok(());
        }
        for index in 0..self.0.source().pages() {
            self.fetch(index)?;
            task::go_on()?;
        }
        Ok(())
    }

    fn as_lazy_copy(&self) -> Option<&LazyCopy> {
        Some(self)
    }
}

impl Drop for LazyCopy {
    fn drop(&mut self) {
        if let Some(descriptor) = self.0.buffer() {
            if let Some(buffer) = descriptor.buffer() {
                buffer.let_copy_go(&self.0);
            }
        }
    }
}
