// SPDX-License-Identifier: GPL-2.0

//! Memory that iomd allocates (IOBufferMemoryDescriptor): zeroed pages, all at creation or each on
//! first touch, charged to whoever created the buffer.

use crate::{
    os::{
        account::Account,
        pages::{PageArray, PageRef},
        task,
    },
    pure::range::PageRange,
};
use kernel::prelude::*;

#[pin_data(PinnedDrop)]
pub(crate) struct Buffer {
    range: PageRange,
    account: Account,
    #[pin]
    pages: PageArray,
}

impl Buffer {
    /// A buffer without pages, on the current task's account.
    pub(super) fn new(range: PageRange) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            range,
            account: Account::of_current()?,
            pages <- PageArray::new(),
        })
    }

    /// All of it.
    pub(crate) fn range(&self) -> PageRange {
        self.range
    }

    /// How many pages have memory.
    pub(super) fn resident(&self) -> usize {
        self.pages.count()
    }

    /// The page at `index`, if it has memory.
    pub(crate) fn page(&self, index: usize) -> Option<PageRef<'_>> {
        self.pages.get(index)
    }

    /// The first page with memory in `[index, last]`.
    pub(super) fn next_page(&self, index: usize, last: usize) -> Option<(usize, PageRef<'_>)> {
        self.pages.next(index, last)
    }

    /// Gives the page at `index` memory if it has none. `ENOMEM` beyond the creator's limits.
    pub(crate) fn populate(&self, index: usize) -> Result {
        if self.page(index).is_some() {
            return Ok(());
        }
        self.account.charge(1)?;
        let inserted = self
            .account
            .new_page()
            .and_then(|page| self.account.in_memcg(|| self.pages.insert(index, page)));
        if inserted.is_err() {
            self.account.uncharge(1);
        }
        match inserted {
            // Another task touched it first; that page is as good.
            Err(error) if error == EBUSY => Ok(()),
            result => result,
        }
    }

    /// Gives all of `range` memory. `ENOMEM`; `EINTR` if the task is killed, for it can take long.
    pub(super) fn populate_all(&self, range: PageRange) -> Result {
        for index in range.start()..=range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            self.populate(index)?;
            task::yield_if_needed();
        }
        Ok(())
    }
}

#[pinned_drop]
impl PinnedDrop for Buffer {
    fn drop(self: Pin<&mut Self>) {
        self.account.uncharge(self.pages.count());
    }
}
