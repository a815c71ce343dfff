// SPDX-License-Identifier: GPL-2.0

//! Memory that iomd allocates (IOBufferMemoryDescriptor): zeroed pages, all at once or each on
//! first touch, charged to whoever created the buffer.
//!
//! The memory can be taken away as a whole, and given back. Whoever uses a page has its `contents` for
//! reading, and whoever takes them away waits until nobody has, or goes.

use super::{
    copies::Copies,
    extents::Extents,
    memory::{Facts, Kind, Leaf, Store},
    own_pages::{Contents, OwnPages},
    preparation::Preparation,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_BUFFER,
    os::{
        account::Account,
        big_reader_lock::{new_big_reader_lock, BigReaderLock},
        folio::{Contiguous, Folio, MAX_CONTIGUOUS, PIECE},
        page_array::PageArray,
        task,
    },
    pure::range::PageRange,
    registry::Strong,
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

pub(super) const KIND: Kind = Kind {
    number: IOMD_KIND_BUFFER,
    name: c"buffer",
};

/// When and how a buffer gets its memory, and how that is mapped.
#[derive(Clone, Copy)]
pub(crate) struct Supply {
    /// Not at once, but where it is touched.
    pub(crate) sparse: bool,
    pub(crate) layout: Layout,
    /// Its mappings are between guards.
    pub(crate) guarded: bool,
    /// Copies can get its pages one by one, before they are written.
    pub(crate) lazy_copy: bool,
}

/// How memory lies in physical memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A page is anywhere.
    Pages,
    /// In pieces, where they can be had.
    Pieces,
    /// All of it together.
    Contiguous,
}

#[pin_data(PinnedDrop)]
pub(crate) struct Buffer {
    range: PageRange,
    supply: Supply,
    account: Account,
    /// That of the contents, and changed with them: a [`Preparation`].
    preparation: Atomic<u64>,
    #[pin]
    pub(super) contents: BigReaderLock<Contents>,
    #[pin]
    pub(super) copies: Copies,
}

impl Buffer {
    /// A buffer without memory, on the current task's account.
    pub(super) fn new(range: PageRange, supply: Supply) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            range,
            supply,
            account: Account::of_current()?,
            preparation: Atomic::new(0),
            contents <- new_big_reader_lock!(None, "iomd_contents"),
            copies <- Copies::none(),
        })
    }

    /// All of it.
    pub(super) fn range(&self) -> PageRange {
        self.range
    }

    /// Whether its mappings are to be between guards.
    pub(super) fn is_guarded(&self) -> bool {
        self.supply.guarded
    }

    /// Whether its memory can have another cache mode than write-back.
    pub(super) fn can_change_cache_mode(&self) -> bool {
        !self.supply.lazy_copy
    }

    /// Whether copies can get its pages one by one.
    pub(super) fn has_lazy_copies(&self) -> bool {
        self.supply.lazy_copy
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Its pages. Waits while they are just being taken away.
    pub(super) fn pages(&self) -> OwnPages<'_> {
        OwnPages::of(&self.contents)
    }

    /// Its pages, but for that moment.
    #[inline]
    pub(crate) fn try_pages(&self) -> Option<OwnPages<'_>> {
        OwnPages::try_of(&self.contents)
    }

    /// Where a piece with the page at `index` goes, if pieces are wanted and nothing is in its place.
    fn place_of_piece(&self, array: &PageArray, index: usize) -> Option<usize> {
        let place = self.room_for_piece(index - index % PIECE)?;
        let last = place.checked_add(PIECE - 1)?;

        array.next(place, last).is_none().then_some(place)
    }

    /// `place`, if pieces are wanted and one can go there.
    fn room_for_piece(&self, place: usize) -> Option<usize> {
        let room = self.range.last().checked_sub(place)?;
        let fits = place % PIECE == 0 && room >= PIECE - 1;

        (fits && self.supply.layout == Layout::Pieces).then_some(place)
    }

    /// A page on the buffer's account, for [`Buffer::insert_charged`].
    pub(super) fn charge_page(&self) -> Result<Folio> {
        self.account.charge(1)?;
        self.new_page().inspect_err(|_| self.account.uncharge(1))
    }

    /// As [`Buffer::charge_page`], a piece; `None` if there is none to be had.
    fn charge_piece(&self) -> Option<Folio> {
        self.account.charge(PIECE).ok()?;
        let piece = self.new_piece();
        if piece.is_none() {
            self.account.uncharge(PIECE);
        }
        piece
    }

    fn new_page(&self) -> Result<Folio> {
        self.account.in_memcg(Folio::page)
    }

    fn new_piece(&self) -> Option<Folio> {
        self.account.in_memcg(Folio::piece)
    }

    /// Puts a folio of [`Buffer::charge_page`] or [`Buffer::charge_piece`] in from `index` on, or gives
    /// it back if there is a page in its place. `ENODATA`, `ENOMEM`.
    pub(super) fn insert_charged(
        &self,
        pages: &OwnPages<'_>,
        index: usize,
        folio: Folio,
    ) -> Result {
        let charged = folio.pages();
        let inserted = pages
            .array()
            .and_then(|array| self.insert(array, index, folio));

        match inserted {
            Err(error) => {
                self.account.uncharge(charged);
                // Another task touched it first; that memory is as good.
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

    /// Gives a buffer that has no memory zeroed memory, all of it or, if it is sparse, none yet.
    /// `ENOMEM`, at once if it is beyond the locked memory that is left; `EINTR` if the task is
    /// killed, for it can take long. Until it is all there, nobody sees any.
    pub(super) fn restore(&self) -> Result {
        let array = KBox::pin_init(PageArray::new(), GFP_KERNEL_ACCOUNT)?;
        let preparation = Preparation::new()?;

        if !self.supply.sparse {
            self.account.charge(self.range.pages())?;
            self.fill(&array)
                .inspect_err(|_| self.account.uncharge(self.range.pages()))?;
        }
        let mut contents = self.contents.write();
        self.preparation.store(preparation.number(), Relaxed);
        *contents = Some(array);
        Ok(())
    }

    fn fill(&self, array: &PageArray) -> Result {
        let pages = self.range.pages();
        let mut contiguous = if self.supply.layout == Layout::Contiguous {
            Some(self.account.in_memcg(|| Contiguous::new(pages))?)
        } else {
            None
        };

        let mut index = self.range.start();
        while index <= self.range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            let folio = match &mut contiguous {
                Some(contiguous) => contiguous.take(),
                None => self.room_for_piece(index).and_then(|_| self.new_piece()),
            };
            let folio = folio.map_or_else(|| self.new_page(), Ok)?;
            let next = index.saturating_add(folio.pages());
            self.insert(array, index, folio)?;
            task::yield_if_needed();
            index = next;
        }
        Ok(())
    }

    /// `EBUSY` if there is a page already, `ENOMEM` if it cannot be kept track of.
    fn insert(&self, array: &PageArray, index: usize, folio: Folio) -> Result {
        self.account.in_memcg(|| array.insert(index, folio))
    }
}

#[pinned_drop]
impl PinnedDrop for Buffer {
    fn drop(self: Pin<&mut Self>) {
        // Nobody else has it any more.
        let pages = self.try_pages().map_or(0, |pages| pages.count());

        self.account.uncharge(pages);
    }
}

impl Leaf for Buffer {
    fn store(&self) -> Store<'_> {
        Store::Own(&self.contents)
    }

    fn populate(&self, index: usize) -> Result {
        let Some(pages) = self.try_pages() else {
            return Ok(());
        };
        if pages.has(index) {
            return Ok(());
        }
        let place = self.place_of_piece(pages.array()?, index);
        // Memory is allocated without the lock: it can be that of this buffer which is taken for it.
        drop(pages);
        let piece = place.and_then(|place| Some((place, self.charge_piece()?)));
        let (place, folio) = match piece {
            Some(piece) => piece,
            None => (index, self.charge_page()?),
        };

        if let Some(pages) = self.try_pages() {
            self.insert_charged(&pages, place, folio)
        } else {
            self.account.uncharge(folio.pages());
            drop(folio);
            Ok(())
        }
    }

    fn copy_before_write(&self, index: usize) {
        self.copy_out(index);
    }

    fn preparation(&self) -> Option<Preparation> {
        Some(Preparation::from_number(self.preparation.load(Relaxed)))
    }

    fn as_buffer(&self) -> Option<&Buffer> {
        Some(self)
    }
}

impl Descriptor {
    /// A zeroed buffer of so many bytes on the current task's account, with all of its memory or,
    /// sparse, none yet.
    ///
    /// `EINVAL`, `EOVERFLOW` for a length that none can have; `EOPNOTSUPP` if so much cannot be together;
    /// `ENOMEM`, also beyond RLIMIT_MEMLOCK; `EINTR` if the task is killed.
    pub(crate) fn new_buffer(length: u64, supply: Supply) -> Result<Strong<Self>> {
        let range = PageRange::object(length)?;
        if supply.layout == Layout::Contiguous && range.pages() > MAX_CONTIGUOUS {
            return Err(EOPNOTSUPP);
        }
        let buffer = Arc::pin_init(Buffer::new(range, supply), GFP_KERNEL_ACCOUNT)?;
        buffer.restore()?;
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(0, length)?,
            writable: true,
            sparse: supply.sparse,
            user_id: buffer.account.user_id(),
        };

        Self::new(facts, buffer)
    }
}
