// SPDX-License-Identifier: GPL-2.0

//! Descriptors: memory as an object (IOMemoryDescriptor).
//!
//! A descriptor knows who shows its memory only as [`Observer`]s; what a map is, it does not know.

mod buffer;
mod cache;
pub(crate) mod copy;
pub(crate) mod extents;
pub(crate) mod memory;
pub(crate) mod observer;
pub(crate) mod purge;
mod reserve;
pub(crate) mod suspend;
mod taking;

use crate::{
    os::{
        global::global_mutex,
        mutex::{new_killable_mutex, KillableMutex},
        shrinker::Listing,
        task, trace,
    },
    pure::{cache::CacheMode, range::PageRange},
    registry::{Identity, Object, Registry, Strong},
};
use buffer::Buffer;
use extents::Extents;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};
use memory::{Facts, Kind, Leaf, Place};
use observer::{Observer, Observers};

global_mutex! {
    static DESCRIPTORS: Mutex<Registry<Descriptor>> = Registry::new();
    /// Makes the registry of descriptors usable.
    fn init_registry
}

/// Memory that maps can show.
#[pin_data]
pub(crate) struct Descriptor {
    identity: Identity,
    facts: Facts,
    /// The page space.
    range: PageRange,
    leaf: Arc<dyn Leaf>,
    /// Who shows which part. Held for moments, but while the cache mode changes.
    #[pin]
    observers: Mutex<Observers>,
    /// Outermost of all locks: who holds it may take the locks of several observers.
    #[pin]
    copying: KillableMutex<()>,
    /// Held to change whether the memory may be taken away, and to take it; with its place among
    /// what may be.
    #[pin]
    purging: KillableMutex<Option<Listing<Descriptor>>>,
}

impl Descriptor {
    /// Memory of some kind as a descriptor. `ENOMEM`.
    fn new(facts: Facts, leaf: Arc<dyn Leaf>) -> Result<Strong<Self>> {
        let range = PageRange::new(0, facts.extents.pages()).ok_or(EINVAL)?;
        let sparse = facts.sparse;
        let descriptor = Arc::pin_init(
            pin_init!(Self {
                identity: Identity::new(),
                facts,
                range,
                leaf,
                observers <- new_mutex!(Observers::new(), "iomd_observers"),
                copying <- new_killable_mutex!((), "iomd_copying"),
                purging <- new_killable_mutex!(None, "iomd_purging"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;

        let node = Registry::node(&descriptor)?;
        DESCRIPTORS.lock().insert(node);
        trace::descriptor_create(descriptor.id(), range.pages(), sparse);
        Ok(Strong::first(descriptor))
    }

    /// The descriptor with this id; `ENOENT`.
    pub(crate) fn by_id(id: u64) -> Result<Strong<Self>> {
        DESCRIPTORS.lock().get(id)
    }

    /// The smallest id of a descriptor above `id`.
    pub(crate) fn next_id(id: u64) -> Option<u64> {
        DESCRIPTORS.lock().next(id)
    }

    /// The descriptor with the smallest id above `id`.
    pub(crate) fn next(mut id: u64) -> Option<Strong<Self>> {
        loop {
            id = Self::next_id(id)?;
            // Not one that is just going.
            if let Ok(descriptor) = Self::by_id(id) {
                return Some(descriptor);
            }
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.identity.id()
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.facts.kind
    }

    /// Its bytes.
    pub(crate) fn extents(&self) -> &Extents {
        &self.facts.extents
    }

    /// The user who pays for it.
    pub(crate) fn user_id(&self) -> u32 {
        self.facts.user_id
    }

    /// Whether there may be writable maps of it.
    pub(crate) fn is_writable(&self) -> bool {
        self.facts.writable
    }

    /// All of it.
    pub(crate) fn range(&self) -> PageRange {
        self.range
    }

    /// The place of a page of the page space; `None` beyond the end.
    pub(crate) fn place(&self, page: usize) -> Option<Place<'_>> {
        let pages = self.range.pages().checked_sub(page)?;

        (pages != 0).then_some(Place {
            leaf: &self.leaf,
            page,
            pages,
        })
    }

    /// Its memory, if that is what iomd allocated.
    fn buffer(&self) -> Option<&Buffer> {
        self.leaf.as_buffer()
    }

    /// How many pages have memory.
    pub(crate) fn resident(&self) -> usize {
        self.leaf.store().pages().count()
    }

    /// How many observers it has.
    pub(crate) fn observer_count(&self) -> usize {
        self.observers.lock().count()
    }

    /// The ids of the observers of a page of `range`. `ENOMEM`.
    pub(crate) fn observer_ids(&self, range: PageRange) -> Result<KVVec<u64>> {
        let observers = self.observers.lock().of(range)?;
        let mut ids = KVVec::new();

        for &id in observers.keys() {
            ids.push(id, GFP_KERNEL)?;
        }
        Ok(ids)
    }

    /// How many pages of `range` someone holds besides their mappings. `EINTR` if the task is
    /// killed.
    pub(crate) fn held_pages(&self, range: PageRange) -> Result<usize> {
        let pages = self.leaf.store().pages();
        let mut held = 0;
        let mut next = Some(range.start());

        while let Some(start) = next {
            let Some((index, page)) = pages.next(start, range.last()) else {
                break;
            };
            held += usize::from(pages.is_held(&page));
            next = index.checked_add(1).filter(|&index| index <= range.last());
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
        }
        Ok(held)
    }
}

impl Object for Descriptor {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn retire(&self) {
        let removed = DESCRIPTORS.lock().remove(self.id());
        drop(self.purging.lock_unkillable().take());
        drop(removed);
    }
}

/// A part of a descriptor that an observer shows; it stops being one when this is dropped.
pub(crate) struct Part {
    descriptor: Strong<Descriptor>,
    range: PageRange,
    ticket: observer::Ticket,
}

impl Part {
    /// Lets `observer` show `range`, in a cache mode or, with none, in that which the memory has.
    /// `EBUSY` if that part is being copied and the observer would be a new writer, or if the memory
    /// may be taken away and the observer is relied on; and as of [`Descriptor::attach`].
    ///
    /// Before it is dropped the observer's entries in page tables are gone.
    pub(crate) fn observe(
        descriptor: &Strong<Descriptor>,
        range: PageRange,
        writable: bool,
        cache_mode: Option<CacheMode>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self> {
        let ticket = descriptor.attach(range, writable, cache_mode, observer)?;

        Ok(Self {
            descriptor: descriptor.clone(),
            range,
            ticket,
        })
    }

    pub(crate) fn descriptor(&self) -> &Strong<Descriptor> {
        &self.descriptor
    }

    pub(crate) fn range(&self) -> PageRange {
        self.range
    }

    /// The place of the page that the observer shows as its `index`-th.
    pub(crate) fn place(&self, index: usize) -> Option<Place<'_>> {
        let page = self.range.nth(index)?;
        let place = self.descriptor.place(page)?;
        let left = self.range.pages() - index;

        Some(Place {
            pages: place.pages.min(left),
            ..place
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.descriptor.detach(self.ticket);
    }
}
