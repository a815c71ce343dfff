// SPDX-License-Identifier: GPL-2.0

//! The memory of a lazy copy, and where it gets its pages from. See [`super::copies`].

use super::{
    buffer::Buffer,
    charge::Charge,
    own_pages::{Contents, OwnPages},
    wire::Wired,
    Descriptor,
};
use crate::{
    os::{
        account::Account,
        big_reader_lock::{new_big_reader_lock, BigReaderLock},
        folio::Folio,
        page_array::PageArray,
    },
    pure::range::PageRange,
    registry::Strong,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

/// The memory of a lazy copy. Its pages are numbered from 0 on.
#[pin_data]
pub(super) struct Pending {
    /// `None` when it gets no more pages: it has all of them, or the rest is lost.
    #[pin]
    origin: Mutex<Option<Origin>>,
    /// The buffer's pages that it is a copy of.
    source: PageRange,
    /// There from the beginning to the end; of the type of memory that can be taken away.
    #[pin]
    pub(super) contents: BigReaderLock<Contents>,
    /// For all pages from the beginning, so that no writer of the buffer comes to a limit.
    charge: Charge,
}

/// Where pages come from.
pub(super) struct Origin {
    buffer: Strong<Descriptor>,
    /// They are not taken away before.
    _wired: Wired,
}

impl Pending {
    /// That of a copy of some pages of a buffer's descriptor. It has none yet, and is on the current
    /// task's account. `ENODATA` if they were taken away; `ENOMEM`, also beyond the locked memory that
    /// is left.
    pub(super) fn new(buffer: &Strong<Descriptor>, source: PageRange) -> Result<Arc<Self>> {
        let origin = Some(Origin {
            buffer: buffer.clone(),
            _wired: Wired::new(buffer, source)?,
        });
        let account = Arc::new(Account::of_current()?, GFP_KERNEL_ACCOUNT)?;
        let charge = Charge::new(&account, source.pages())?;
        let array = KBox::pin_init(PageArray::new(), GFP_KERNEL_ACCOUNT)?;

        Arc::pin_init(
            try_pin_init!(Self {
                origin <- new_mutex!(origin, "iomd_origin"),
                source,
                contents <- new_big_reader_lock!(Some(array), "iomd_copied"),
                charge,
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// The buffer that it is a copy of, as long as it gets pages.
    pub(super) fn buffer(&self) -> Option<Strong<Descriptor>> {
        let origin = self.origin.lock();

        origin.as_ref().map(|origin| origin.buffer.clone())
    }

    /// The buffer's pages that it is a copy of.
    pub(super) fn source(&self) -> PageRange {
        self.source
    }

    /// The user who pays for it.
    pub(super) fn user_id(&self) -> u32 {
        self.charge.account().user_id()
    }

    /// Its pages.
    pub(super) fn pages(&self) -> OwnPages<'_> {
        OwnPages::of(&self.contents)
    }

    /// Whether it has all of its pages.
    pub(super) fn is_complete(&self) -> bool {
        self.pages().count() == self.source.pages()
    }

    /// Whether the buffer's page is one that it is to have, and has not yet.
    pub(super) fn lacks(&self, page: usize) -> bool {
        page.checked_sub(self.source.start())
            .filter(|&index| index < self.source.pages())
            .is_some_and(|index| !self.pages().has(index))
    }

    /// Makes its page `index` that of the buffer, unless there is one by then. `ENODATA` if it gets no
    /// more; `ENOMEM`.
    pub(super) fn fetch(&self, buffer: &Buffer, index: usize) -> Result {
        let page = self.source.nth(index).ok_or(ERANGE)?;
        let account = self.charge.account();
        let mut copy = account.in_memcg(Folio::page)?;
        {
            // One without memory is zeros.
            let pages = buffer.pages();
            if let Some(page) = pages.get(page) {
                copy.copy_from(&page);
            }
        }

        // Held until it is in: the page can be written as soon as this copy gets no more.
        let origin = self.origin.lock();
        let pages = self.pages();
        if pages.has(index) {
            // Somebody else was faster; his is as good.
            return Ok(());
        }
        if origin.is_none() {
            return Err(ENODATA);
        }
        account.in_memcg(|| pages.insert(index, copy))
    }

    /// It gets no more pages, once this returns. What is returned is to be dropped without locks.
    pub(super) fn end(&self) -> Option<Origin> {
        self.origin.lock().take()
    }
}
