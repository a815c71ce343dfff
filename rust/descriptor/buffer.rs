// SPDX-License-Identifier: GPL-2.0

//! Memory that iomd allocates (IOBufferMemoryDescriptor): zeroed pages, all at once or each on
//! first touch, charged to whoever created the buffer.
//!
//! The memory can be taken away as a whole, and given back. Whoever uses a page has its `contents` for
//! reading, and whoever takes them away waits until nobody has, or goes.

use super::{
    extents::Extents,
    memory::{Facts, Kind, Leaf, Store},
    preparation::Preparation,
    Descriptor,
};
use crate::{
    abi::IOMD_KIND_BUFFER,
    os::{
        account::Account,
        pages::{Page, PageArray},
        rwsem::{new_rw_semaphore, ReadGuard, RwSemaphore},
        task,
    },
    pure::{cache::CacheMode, range::PageRange},
    registry::Strong,
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc,
    },
};

const KIND: Kind = Kind {
    number: IOMD_KIND_BUFFER,
    name: c"buffer",
};

/// `None` while it is taken away.
pub(crate) type Contents = Option<Pin<KBox<PageArray>>>;

#[pin_data(PinnedDrop)]
pub(crate) struct Buffer {
    range: PageRange,
    sparse: bool,
    account: Account,
    /// That of the contents, and changed with them: a [`Preparation`].
    preparation: Atomic<u64>,
    #[pin]
    pub(super) contents: RwSemaphore<Contents>,
}

impl Buffer {
    /// A buffer without memory, on the current task's account.
    pub(super) fn new(range: PageRange, sparse: bool) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            range,
            sparse,
            account: Account::of_current()?,
            preparation: Atomic::new(0),
            contents <- new_rw_semaphore!(None, "iomd_contents"),
        })
    }

    /// All of it.
    pub(super) fn range(&self) -> PageRange {
        self.range
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Its pages. Waits while they are just being taken away.
    pub(super) fn pages(&self) -> OwnPages<'_> {
        OwnPages(self.contents.read())
    }

    /// Its pages, but for that moment.
    pub(super) fn try_pages(&self) -> Option<OwnPages<'_>> {
        self.contents.try_read().map(OwnPages)
    }

    /// A page on the buffer's account, for [`Buffer::insert_charged`].
    pub(super) fn charge_page(&self) -> Result<Page> {
        self.account.charge(1)?;
        self.account
            .new_page()
            .inspect_err(|_| self.account.uncharge(1))
    }

    /// Gives the place `index` a page of [`Buffer::charge_page`], or that back if it has one.
    /// `ENODATA`, `ENOMEM`.
    pub(super) fn insert_charged(&self, pages: &OwnPages<'_>, index: usize, page: Page) -> Result {
        let inserted = pages
            .array()
            .and_then(|array| self.insert(array, index, page));

        match inserted {
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

    /// Gives a buffer that has no memory zeroed memory, all of it or, if it is sparse, none yet.
    /// `ENOMEM`, at once if it is beyond the locked memory that is left; `EINTR` if the task is
    /// killed, for it can take long. Until it is all there, nobody sees any.
    pub(super) fn restore(&self) -> Result {
        let array = KBox::pin_init(PageArray::new(), GFP_KERNEL_ACCOUNT)?;

        if !self.sparse {
            self.account.charge(self.range.pages())?;
            self.fill(&array)
                .inspect_err(|_| self.account.uncharge(self.range.pages()))?;
        }
        let mut contents = self.contents.write();
        self.preparation.store(Preparation::new().number(), Relaxed);
        *contents = Some(array);
        Ok(())
    }

    fn fill(&self, array: &PageArray) -> Result {
        for index in self.range.start()..=self.range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            self.insert(array, index, self.account.new_page()?)?;
            task::yield_if_needed();
        }
        Ok(())
    }

    /// `EBUSY` if there is a page already, `ENOMEM` if it cannot be kept track of.
    fn insert(&self, array: &PageArray, index: usize, page: Page) -> Result {
        self.account.in_memcg(|| array.insert(index, page))
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
        pages.array()?;
        // Memory is allocated without the lock: it can be that of this buffer which is taken for it.
        drop(pages);
        let page = self.charge_page()?;

        if let Some(pages) = self.try_pages() {
            self.insert_charged(&pages, index, page)
        } else {
            drop(page);
            self.account.uncharge(1);
            Ok(())
        }
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
    /// `EINVAL`, `EOVERFLOW` for a length that none can have; `ENOMEM`, also beyond RLIMIT_MEMLOCK; `EINTR` if the task is killed.
    pub(crate) fn new_buffer(length: u64, sparse: bool) -> Result<Strong<Self>> {
        let range = PageRange::object(length)?;
        let buffer = Arc::pin_init(Buffer::new(range, sparse), GFP_KERNEL_ACCOUNT)?;
        buffer.restore()?;
        let facts = Facts {
            kind: &KIND,
            extents: Extents::new(0, length)?,
            writable: true,
            sparse,
            user_id: buffer.account.user_id(),
        };

        Self::new(facts, buffer)
    }
}

/// A buffer's pages, none of which is taken away as long as this is there.
pub(super) struct OwnPages<'a>(ReadGuard<'a, Contents>);

impl OwnPages<'_> {
    /// `ENODATA` if they were taken away.
    fn array(&self) -> Result<&PageArray> {
        self.0.as_deref().ok_or(ENODATA)
    }

    /// As [`PageArray::set_cache_mode`]; `ENODATA` if they were taken away.
    pub(super) fn set_cache_mode(&self, mode: CacheMode) -> Result {
        self.array()?.set_cache_mode(mode)
    }

    /// As [`PageArray::restore_cache_mode`].
    pub(super) fn restore_cache_mode(&self) {
        if let Some(array) = &*self.0 {
            array.restore_cache_mode();
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |array| array.count())
    }

    /// Whether the page at `index` has memory.
    pub(super) fn has(&self, index: usize) -> bool {
        self.0
            .as_ref()
            .is_some_and(|array| array.get(index).is_some())
    }
}
