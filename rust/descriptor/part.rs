// SPDX-License-Identifier: GPL-2.0

//! What an observer shows: a part of a descriptor, and with it of every descriptor below that.
//!
//! The observer is on the list of each, so that whoever suspends, copies or takes away the memory of
//! any of them reaches it. The lists' locks are taken one after the other, never two at once.

use super::{
    buffer::Buffer, few::Few, memory::Place, observer::Observer, observers::Ticket,
    prepared::Prepared, Descriptor,
};
use crate::{
    pure::{cache::CacheMode, purge::Purgeable, range::PageRange},
    registry::Strong,
    suspension::Terms,
};
use kernel::{prelude::*, sync::Arc};

/// A part of a descriptor that an observer shows; it stops being one when this is dropped.
pub(crate) struct Part {
    memory: Prepared,
    /// The places in the lists, in the order of the memory's levels.
    tickets: Few<Ticket>,
}

impl Part {
    /// Lets an observer show memory, in a cache mode or, with none, in that which the memory has.
    /// `EBUSY` if that part is being copied and the observer would be a new writer, or if the memory
    /// may be taken away and the observer is relied on; and as of [`Descriptor::attach`].
    ///
    /// Before it is dropped the observer's entries in page tables are gone.
    #[inline]
    pub(crate) fn observe(
        memory: Prepared,
        writable: bool,
        cache_mode: Option<CacheMode>,
        observer: impl Fn() -> Arc<dyn Observer>,
    ) -> Result<Self> {
        let mut part = Self {
            memory,
            tickets: Few::Nothing,
        };

        part.memory
            .levels()
            .iter()
            .try_for_each(|shown| -> Result {
                let mode = cache_mode.filter(|_| shown.leaf().is_some());
                let ticket = shown
                    .descriptor
                    .attach(shown.range, writable, mode, observer())?;

                part.tickets
                    .push(ticket, GFP_KERNEL_ACCOUNT)
                    .inspect_err(|_| shown.descriptor.detach(ticket))
            })?;
        Ok(part)
    }

    pub(crate) fn descriptor(&self) -> &Strong<Descriptor> {
        &self.memory
    }

    pub(crate) fn range(&self) -> PageRange {
        self.memory.range()
    }

    /// The descriptor, and its pages that the observer shows as `range`.
    pub(crate) fn shown(&self, range: PageRange) -> Option<(Strong<Descriptor>, PageRange)> {
        let shown = self.range().slice(range.start(), range.pages())?;

        Some((self.descriptor().clone(), shown))
    }

    /// Whether the observer shows one page as `range`, of which is found at once that nobody has it but its
    /// buffer.
    #[inline]
    pub(crate) fn is_unshared(&self, range: PageRange) -> bool {
        if range.pages() != 1 {
            return false;
        }
        self.in_buffer(range.start())
            .and_then(|(buffer, page)| Some((buffer.try_pages()?, page)))
            .is_some_and(|(pages, page)| pages.single(page).is_some_and(|page| !page.is_shared()))
    }

    /// Where in the descriptor the byte is that is at `page_offset` of the first page.
    pub(crate) fn offset_of(&self, page_offset: u64) -> u64 {
        let content = self.memory.extents().content(self.range().start());

        content.map_or(0, |content| {
            let before = page_offset.saturating_sub(content.offset);
            content.position.saturating_add(before)
        })
    }

    /// The buffer that the page is in which the observer shows as its `index`-th, if it is in one without
    /// detours, and which of its pages it is.
    #[inline]
    pub(crate) fn in_buffer(&self, index: usize) -> Option<(&Buffer, usize)> {
        let page = self.range().nth(index)?;

        Some((self.memory.buffer()?, page))
    }

    /// The place of the page that the observer shows as its `index`-th.
    pub(crate) fn place(&self, index: usize) -> Option<Place<'_>> {
        let place = self.memory.place(self.range().nth(index)?)?;
        let left = self.range().pages().checked_sub(index)?;

        Some(Place {
            pages: place.pages.min(left),
            ..place
        })
    }

    /// Whether it shows a page of a descriptor's `range`, directly or by way of others.
    pub(crate) fn shows(&self, descriptor: &Descriptor, range: PageRange) -> bool {
        self.ranges_of(descriptor)
            .any(|shown| shown.overlaps(range))
    }

    /// The pages of a descriptor that it shows, if it shows nothing else, and in their order.
    pub(crate) fn all_of(&self, descriptor: &Descriptor) -> Option<PageRange> {
        // As many pages as there are all in all, each once: a range has them in order.
        self.ranges_of(descriptor)
            .find(|shown| shown.pages() == self.range().pages())
    }

    fn ranges_of<'a>(&'a self, descriptor: &'a Descriptor) -> impl Iterator<Item = PageRange> + 'a {
        self.memory
            .levels()
            .iter()
            .filter(|shown| shown.descriptor.id() == descriptor.id())
            .map(|shown| shown.range)
    }

    /// On what terms accesses wait because a descriptor is suspended, and the number of the address
    /// space whose accesses do not; `None` if they all pass.
    #[inline]
    pub(crate) fn suspension(&self) -> Option<(Terms, usize)> {
        self.memory
            .levels()
            .iter()
            .filter_map(|shown| shown.descriptor.suspension())
            .reduce(|(terms, safe), (others, other_safe)| {
                let safe = if safe == other_safe { safe } else { 0 };
                (terms.and(others), safe)
            })
    }

    /// `EBUSY` if memory of it may be taken away, or was.
    pub(crate) fn check_non_volatile(&self) -> Result {
        let mut levels = self.memory.levels().iter();

        if levels.all(|shown| shown.descriptor.own_purgeable() == Purgeable::NonVolatile) {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }
}

impl Drop for Part {
    /// Who shows the memory goes before it may.
    fn drop(&mut self) {
        let mut tickets = self.tickets.iter();

        self.memory.levels().iter().for_each(|shown| {
            if let Some(&ticket) = tickets.next() {
                shown.descriptor.detach(ticket);
            }
        });
    }
}
