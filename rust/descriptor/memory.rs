// SPDX-License-Identifier: GPL-2.0

//! Memory of some kind: what is the same for all of them, and the trait behind which they differ.
//!
//! A kind is a file that makes [`Facts`] and a [`Leaf`] of what a user says, and gives the two to
//! [`Descriptor::new`](super::Descriptor::new).

use super::{
    buffer::Buffer, extents::Extents, lazy_copy::LazyCopy, own_pages::Contents,
    preparation::Preparation, prepared::Purpose, Descriptor,
};
use crate::{
    os::{
        big_reader_lock::{BigReaderLock, ReadGuard},
        frame::Frame,
        local_mapping::LocalMapping,
        pages::PageRef,
        physical::PhysicalRange,
        rwsem::{self, RwSemaphore},
    },
    pure::{cache::CacheMode, direction::Direction},
    registry::Strong,
};
use kernel::{prelude::*, sync::Arc};

/// A kind of descriptors, as users know it.
pub(crate) struct Kind {
    /// IOMD_KIND_*
    pub(crate) number: u32,
    pub(crate) name: &'static CStr,
}

/// What never changes about a descriptor, and needs no knowledge of its kind.
pub(crate) struct Facts {
    pub(crate) kind: &'static Kind,
    /// Its bytes, and with them its page space.
    pub(crate) extents: Extents,
    /// Of memory that is not writable there are read-only maps only.
    pub(crate) writable: bool,
    /// Pages come on first touch.
    pub(crate) sparse: bool,
    /// The user who pays for it.
    pub(crate) user_id: u32,
}

/// Memory of its own. Its pages are numbered as the descriptor's page space.
pub(crate) trait Leaf: Send + Sync {
    /// Where its pages are kept.
    fn store(&self) -> Store<'_>;

    /// Gives the page at `index` memory if it has none yet, and others around it if that comes with it.
    /// Nothing, just while pages are being taken away, or others around it are given memory. An error
    /// means that it will have none: `ENODATA`, `ENOMEM`. May sleep.
    fn populate(&self, _index: usize) -> Result {
        Err(ENODATA)
    }

    /// Which way data go, if that was said.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// How its memory is cached, if that does not change.
    fn cache_mode(&self) -> CacheMode {
        CacheMode::WriteBack
    }

    /// Sees that its pages are there, until [`Leaf::complete`] is called as often. What is not always
    /// so for its kind can fail. To be called without locks, unless it is prepared already.
    fn prepare(&self, _purpose: Purpose) -> Result {
        Ok(())
    }

    /// Takes one [`Leaf::prepare`] back. Nobody has a page because of that any more.
    fn complete(&self) {}

    /// A new descriptor of the memory that is now where this one's was, if that is other memory. To be
    /// called without locks; errors as of [`Leaf::prepare`].
    fn renewed(&self) -> Result<Option<Strong<Descriptor>>> {
        Ok(None)
    }

    /// The preparation of its pages, if it can get others.
    fn preparation(&self) -> Option<Preparation> {
        None
    }

    /// Lets lazy copies have the page at `index` before it is written. To be called without locks.
    fn copy_before_write(&self, _index: usize) {}

    /// Memory that iomd allocated: that alone can be sparse, be taken away, or have another cache
    /// mode than write-back.
    fn as_buffer(&self) -> Option<&Buffer> {
        None
    }

    /// A copy that gets its pages when they are touched.
    fn as_lazy_copy(&self) -> Option<&LazyCopy> {
        None
    }
}

/// Where pages are kept: under a lock that who uses them has for reading, and who takes them away
/// for writing. [`None`] while they are taken away.
pub(crate) enum Store<'a> {
    /// Pages of iomd's own: entries in page tables count as references to them.
    Own(&'a BigReaderLock<Contents>),
    /// Pages of others, that are kept for the descriptor: entries are special ones and hold
    /// nothing, so that they are zapped before a page is let go of.
    Foreign(&'a RwSemaphore<ForeignContents>),
    /// Pages that the kernel does not manage. They cannot be taken away, and entries are special.
    Device(&'a Arc<PhysicalRange>),
    /// There are none, and never were.
    Nothing,
}

/// `None` while they are taken away.
pub(crate) type ForeignContents = Option<KBox<dyn ForeignPages>>;

/// Pages of others: all are there, as long as this is.
pub(crate) trait ForeignPages: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The page at `index`; `None` beyond the end.
    fn get(&self, index: usize) -> Option<PageRef<'_>>;
}

impl<'a> Store<'a> {
    /// Its pages. Waits while they are just being taken away.
    pub(crate) fn pages(self) -> Pages<'a> {
        match self {
            Self::Own(contents) => Pages::Own(contents.read()),
            Self::Foreign(contents) => Pages::Foreign(contents.read()),
            Self::Device(range) => Pages::Device(range),
            Self::Nothing => Pages::Nothing,
        }
    }

    /// Its pages, but for that moment.
    pub(crate) fn try_pages(self) -> Option<Pages<'a>> {
        match self {
            Self::Own(contents) => contents.try_read().map(Pages::Own),
            Self::Foreign(contents) => contents.try_read().map(Pages::Foreign),
            Self::Device(range) => Some(Pages::Device(range)),
            Self::Nothing => Some(Pages::Nothing),
        }
    }

    /// Waits for the end of that moment, or of the task.
    pub(crate) fn wait(self) {
        match self {
            Self::Own(contents) => drop(contents.read_killable()),
            Self::Foreign(contents) => drop(contents.read_killable()),
            Self::Device(_) | Self::Nothing => {}
        }
    }
}

/// Pages, none of which is taken away as long as this is there.
pub(crate) enum Pages<'a> {
    Own(ReadGuard<'a, Contents>),
    Foreign(rwsem::ReadGuard<'a, ForeignContents>),
    Device(&'a Arc<PhysicalRange>),
    Nothing,
}

impl Pages<'_> {
    /// Whether there are none, or they were taken away.
    pub(crate) fn are_gone(&self) -> bool {
        match self {
            Self::Own(contents) => contents.is_none(),
            Self::Foreign(contents) => contents.is_none(),
            Self::Device(_) => false,
            Self::Nothing => true,
        }
    }

    /// Whether entries in page tables are special ones, which hold nothing.
    pub(crate) fn are_special(&self) -> bool {
        match self {
            Self::Own(contents) => contents.as_ref().is_some_and(|array| array.is_special()),
            Self::Foreign(_) | Self::Device(_) => true,
            Self::Nothing => false,
        }
    }

    /// Whether there can be a page that a lazy copy is to have before it is written.
    pub(crate) fn are_copied(&self) -> bool {
        match self {
            Self::Own(contents) => contents.as_ref().is_some_and(|array| array.is_copied()),
            Self::Foreign(_) | Self::Device(_) | Self::Nothing => false,
        }
    }

    /// How many have memory.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Own(contents) => contents.as_ref().map_or(0, |array| array.count()),
            Self::Foreign(contents) => contents.as_ref().map_or(0, |pages| pages.count()),
            Self::Device(range) => range.pages(),
            Self::Nothing => 0,
        }
    }

    /// The first page of the piece that begins at `index`, if one does that an entry of its own may
    /// show: through it pages can be held.
    pub(crate) fn piece(&self, index: usize) -> Option<PageRef<'_>> {
        self.get(index)
            .filter(|page| !self.are_special() && page.begins_piece())
    }

    /// Where the page at `index` is in physical memory, if it is anywhere.
    pub(crate) fn address(&self, index: usize) -> Option<u64> {
        match self {
            Self::Device(range) => range.address(index),
            _ => self.get(index).map(|page| page.physical_address()),
        }
    }

    /// The page at `index` as the kernel reaches it, if it has memory.
    pub(crate) fn local_mapping(&self, index: usize) -> Option<LocalMapping<'_>> {
        match self {
            Self::Device(range) => range.local_mapping(index),
            _ => self.get(index).map(PageRef::into_local_mapping),
        }
    }

    /// The page at `index`, if it has memory, to be copied when the others may be taken away again.
    pub(crate) fn frame(&self, index: usize) -> Option<Frame> {
        match self {
            Self::Device(range) => PhysicalRange::page(range, index).map(Frame::Device),
            _ => self.get(index).map(|page| Frame::Page(page.share())),
        }
    }

    /// The first such page in `[index, last]`.
    pub(crate) fn next_frame(&self, index: usize, last: usize) -> Option<(usize, Frame)> {
        match self {
            Self::Device(_) if index > last => None,
            Self::Device(_) => self.frame(index).map(|frame| (index, frame)),
            _ => self
                .next(index, last)
                .map(|(index, page)| (index, Frame::Page(page.share()))),
        }
    }

    /// The page at `index`, if it has memory and the kernel manages that.
    pub(crate) fn get(&self, index: usize) -> Option<PageRef<'_>> {
        match self {
            Self::Own(contents) => contents.as_ref()?.get(index),
            Self::Foreign(contents) => contents.as_ref()?.get(index),
            Self::Device(_) | Self::Nothing => None,
        }
    }

    /// The first such page in `[index, last]`.
    pub(crate) fn next(&self, index: usize, last: usize) -> Option<(usize, PageRef<'_>)> {
        match self {
            Self::Own(contents) => contents.as_ref()?.next(index, last),
            Self::Foreign(_) if index > last => None,
            Self::Foreign(_) => self.get(index).map(|page| (index, page)),
            Self::Device(_) | Self::Nothing => None,
        }
    }
}

/// The place of a page of a descriptor.
pub(crate) struct Place<'a> {
    /// The descriptor of the leaf.
    pub(super) owner: &'a Descriptor,
    /// Whose it is.
    pub(crate) leaf: &'a Arc<dyn Leaf>,
    /// The leaf's page.
    pub(crate) page: usize,
    /// How many of the descriptor's pages, it included, follow one another in the leaf.
    pub(crate) pages: usize,
}

impl Place<'_> {
    /// How many of its pages, no more than `most`, no lazy copy lacks ([`Buffer::copied`]).
    pub(crate) fn copied(&self, most: usize) -> usize {
        let buffer = self.leaf.as_buffer();

        buffer.map_or(most, |buffer| buffer.copied(self.page, most))
    }

    /// Whether a lazy copy lacks its first page, which is among `pages`. Before that is written:
    /// [`Leaf::copy_before_write`].
    pub(crate) fn is_awaited(&self, pages: &Pages<'_>) -> bool {
        pages.are_copied() && self.copied(1) == 0
    }

    /// [`Leaf::copy_before_write`], of its first page.
    pub(crate) fn copy_before_write(&self) {
        self.leaf.copy_before_write(self.page);
    }

    /// The last of the leaf's pages.
    pub(super) fn last(&self) -> usize {
        self.page.saturating_add(self.pages.saturating_sub(1))
    }
}
