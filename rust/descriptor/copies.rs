// SPDX-License-Identifier: GPL-2.0

//! Lazy copies that a buffer's pages are still to be put in.
//!
//! What keeps a copy one moment of the memory is one rule: as long as a copy on a buffer's list lacks a
//! page, nobody writes that page. So whoever has it copied there does the right thing, however many do:
//!
//! ```text
//! fault on the copy, or whoever needs all of it     about to let somebody write the buffer's page
//! ---------------------------------------------     ---------------------------------------------
//!                                                   has `contents`: does a copy on the list lack it?
//!                                                   drops `contents`
//! allocates a page                                  does the same, and looks again
//! copies, with the buffer's `contents`
//! puts it in, if there is none yet                  none lacks it: the entry is made, or the bytes
//!                                                   written, before `contents` is dropped
//! ```
//!
//! A copy gets on the list under `contents` for writing ([`super::lazy_copy`]). So he who found that none
//! lacks the page is done before that. Where there is no memory for a page, it is the copy that loses
//! what it lacks: who writes the buffer goes on.
//!
//! Lock order: the buffer's `contents`; `list`; the copy's `contents`; a descriptor's `observers`. Apart
//! from them `origin` of a copy, with which a page is put in.

use super::{
    buffer::Buffer,
    few::Few,
    pending::Pending, //
};
use crate::{os::task, pure::range::PageRange};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

/// How many copies of a buffer can lack pages: each makes its writers' faults longer.
const MOST: usize = 16;

/// The copies of a buffer that can lack pages.
#[pin_data]
pub(super) struct Copies {
    #[pin]
    list: Mutex<Few<Arc<Pending>>>,
}

impl Copies {
    pub(super) fn none() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- new_mutex!(Few::Nothing, "iomd_copies"),
        })
    }

    /// Adds one. The caller has the buffer's `contents` for writing. `EBUSY` if there are enough;
    /// `ENOMEM`.
    pub(super) fn add(&self, pending: Arc<Pending>) -> Result {
        let mut list = self.list.lock();

        if list.len() >= MOST {
            return Err(EBUSY);
        }
        list.push(pending, GFP_KERNEL_ACCOUNT)
    }

    /// One that lacks the buffer's page.
    fn lacking(&self, page: usize) -> Option<Arc<Pending>> {
        let list = self.list.lock();

        list.iter().find(|pending| pending.lacks(page)).cloned()
    }
}

impl Buffer {
    /// How many pages from `first` on no copy lacks; no more than `most`. To be asked by who has its
    /// pages, and good until he drops them.
    pub(super) fn copied(&self, first: usize, most: usize) -> usize {
        let list = self.copies.list.lock();

        (first..)
            .take(most)
            .take_while(|&page| !list.iter().any(|pending| pending.lacks(page)))
            .count()
    }

    /// Sees that no copy lacks a page, which is to be written. To be called without locks; what its
    /// caller had has to be looked at again.
    pub(super) fn copy_out(&self, page: usize) {
        while let Some(pending) = self.copies.lacking(page) {
            let index = page.saturating_sub(pending.source().start());

            if self.give(&pending, index).is_err() {
                // The buffer is not the copy's to hold up.
                self.let_copy_go(&pending);
            }
        }
    }

    /// A copy gets its page `index`, if it has not got it yet. As [`Pending::fetch`].
    pub(super) fn give(&self, pending: &Arc<Pending>, index: usize) -> Result {
        if pending.pages().has(index) {
            return Ok(());
        }
        pending.fetch(self, index)?;
        if pending.is_complete() {
            self.let_copy_go(pending);
        }
        Ok(())
    }

    /// As [`Buffer::copy_out`], many pages. No copy can be added meanwhile. `EINTR` if the task is killed.
    pub(super) fn copy_out_all(&self, range: PageRange) -> Result {
        if self.copies.list.lock().is_empty() {
            return Ok(());
        }
        for page in range.start()..range.end() {
            self.copy_out(page);
            task::go_on()?;
        }
        Ok(())
    }

    /// A copy gets no more pages: it has all of them, or loses the rest.
    pub(super) fn let_copy_go(&self, pending: &Arc<Pending>) {
        let origin = pending.end();
        {
            let pages = self.pages();
            let mut list = self.copies.list.lock();

            // The caller's reference keeps it from being freed here.
            list.take(|other| Arc::ptr_eq(other, pending));
            pages.set_copied(!list.is_empty());
        }

        // Without the locks: it can be the descriptor's last use.
        drop(origin);
    }
}
