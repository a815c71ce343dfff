// SPDX-License-Identifier: GPL-2.0

//! Memory that iomd allocates (IOBufferMemoryDescriptor): zeroed pages, all at creation or each on
//! first touch, charged to whoever created the buffer.

use crate::{
    os::{
        account::Account,
        pages::{Page, PageArray, PageRef},
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

    /// The user who pays for it.
    pub(crate) fn user_id(&self) -> u32 {
        self.account.user_id()
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
        let page = self.charge_page()?;

        self.insert_charged(index, page)
    }

    /// A page on the buffer's account, for [`Buffer::insert_charged`].
    pub(super) fn charge_page(&self) -> Result<Page> {
        self.account.charge(1)?;
        self.account
            .new_page()
            .inspect_err(|_| self.account.uncharge(1))
    }

    /// Gives the place `index` a page of [`Buffer::charge_page`], or that back if it has one.
    /// `ENOMEM`.
    pub(super) fn insert_charged(&self, index: usize, page: Page) -> Result {
        match self.insert(index, page) {
            Err(error) => {
                self.account.uncharge(1);
                // Another task touched it first; that page is as good.
                if error == EBUSY {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes charges back whose pages are gone.
    pub(super) fn uncharge(&self, pages: usize) {
        self.account.uncharge(pages);
    }

    /// Gives a buffer that nobody else has yet all of its memory. `ENOMEM`, at once if it is beyond
    /// the locked memory that is left; `EINTR` if the task is killed, for it can take long.
    pub(super) fn populate_all(&self) -> Result {
        self.account.charge(self.range.pages())?;
        let populated = self.insert_all_pages();
        // What there is is uncharged with the buffer.
        self.account
            .uncharge(self.range.pages().saturating_sub(self.pages.count()));
        populated
    }

    fn insert_all_pages(&self) -> Result {
        for index in self.range.start()..=self.range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            self.insert(index, self.account.new_page()?)?;
            task::yield_if_needed();
        }
        Ok(())
    }

    /// `EBUSY` if there is a page already, `ENOMEM` if it cannot be kept track of.
    fn insert(&self, index: usize, page: Page) -> Result {
        self.account.in_memcg(|| self.pages.insert(index, page))
    }
}

#[pinned_drop]
impl PinnedDrop for Buffer {
    fn drop(self: Pin<&mut Self>) {
        self.account.uncharge(self.pages.count());
    }
}
