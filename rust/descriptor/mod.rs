// SPDX-License-Identifier: GPL-2.0

//! Descriptors: memory as an object (IOMemoryDescriptor).
//!
//! A descriptor knows who shows its memory only as [`observer::Observer`]s; what a map is, it does not know.

pub(crate) mod address_ranges;
pub(crate) mod buffer;
mod bytes;
mod cache;
mod charge;
pub(crate) mod composite;
mod copies;
pub(crate) mod copy;
mod dma_buf;
pub(crate) mod extents;
mod few;
mod guard;
mod interleaved;
pub(crate) mod lazy_copy;
mod length;
mod levels;
pub(crate) mod memfd;
pub(crate) mod memory;
mod multi;
pub(crate) mod observer;
mod observers;
mod own_pages;
mod part;
mod pending;
mod physical;
mod pinned;
pub(crate) mod preparation;
pub(crate) mod prepared;
mod private_memory;
pub(crate) mod processor_cache;
pub(crate) mod purge;
mod reserve;
mod runs;
mod sub;
pub(crate) mod suspend;
mod taking;
mod transfer;
pub(crate) mod wire;

use crate::{
    os::{
        global::global_mutex,
        mutex::{new_killable_mutex, KillableMutex},
        shrinker::Listing,
        trace,
        wait::{new_wait_queue, WaitQueue},
    },
    pure::{cache::CacheMode, range::PageRange},
    registry::{Identity, Object, Registry, Strong},
};
use buffer::Buffer;
use composite::{Below, Memory};
use extents::Extents;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, Mutex,
    },
};
use memory::{Facts, Kind, Leaf};
use observers::Observers;
use preparation::Preparation;

pub(crate) use part::Part;

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
    memory: Memory,
    below: Below,
    /// Bytes: of a buffer, what is left of its capacity.
    length: Atomic<u64>,
    /// Means something to users only.
    tag: Atomic<u32>,
    /// That of memory that is there from the beginning.
    first_preparation: Preparation,
    /// Who shows which part. Held for moments, but while the cache mode changes.
    #[pin]
    observers: Mutex<Observers>,
    /// Whether there is a suspension among them.
    suspended: Atomic<bool>,
    /// Those who wait for the end of a claim.
    #[pin]
    released: WaitQueue,
    /// Outermost of all locks: who holds it may take the locks of several observers.
    #[pin]
    copying: KillableMutex<()>,
    /// Held to change whether the memory may be taken away, and to take it; with its place among
    /// what may be.
    #[pin]
    purging: KillableMutex<Option<Listing<Descriptor>>>,
}

impl Descriptor {
    /// Memory of its own as a descriptor. `ENFILE`, `ENOMEM`.
    fn new(facts: Facts, leaf: Arc<dyn Leaf>) -> Result<Strong<Self>> {
        Self::make(facts, Memory::Leaf(leaf), Below::NOTHING)
    }

    fn make(facts: Facts, memory: Memory, below: Below) -> Result<Strong<Self>> {
        let range = PageRange::new(0, facts.extents.pages()).ok_or(EINVAL)?;
        let sparse = facts.sparse;
        let cache_mode = match &memory {
            Memory::Leaf(leaf) => leaf.cache_mode(),
            Memory::Composite(_) => CacheMode::WriteBack,
        };
        let length = facts.extents.length();
        let descriptor = Arc::pin_init(
            try_pin_init!(Self {
                identity: Identity::new()?,
                facts,
                range,
                memory,
                below,
                length: Atomic::new(length),
                tag: Atomic::new(0),
                first_preparation: Preparation::new()?,
                observers <- new_mutex!(Observers::new(cache_mode), "iomd_observers"),
                suspended: Atomic::new(false),
                released <- new_wait_queue!("iomd_released"),
                copying <- new_killable_mutex!((), "iomd_copying"),
                purging <- new_killable_mutex!(None, "iomd_purging"),
            }? Error),
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

    pub(crate) fn tag(&self) -> u32 {
        self.tag.load(Relaxed)
    }

    pub(crate) fn set_tag(&self, tag: u32) {
        self.tag.store(tag, Relaxed);
    }

    /// Whether its mappings are to be between guards.
    pub(crate) fn is_guarded(&self) -> bool {
        self.buffer().is_some_and(Buffer::is_guarded)
    }

    /// All of it.
    pub(crate) fn range(&self) -> PageRange {
        self.range
    }

    /// Its memory, if that is what iomd allocated.
    fn buffer(&self) -> Option<&Buffer> {
        match &self.memory {
            Memory::Leaf(leaf) => leaf.as_buffer(),
            Memory::Composite(_) => None,
        }
    }

    /// How many pages have memory.
    pub(crate) fn resident(&self) -> usize {
        match &self.memory {
            Memory::Leaf(leaf) => leaf.store().pages().count(),
            Memory::Composite(_) => self
                .places(self.range)
                .map(|(_, place)| place.count())
                .fold(0, usize::saturating_add),
        }
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
        let mut held = 0_usize;

        for (_, place) in self.places(range) {
            held = held.saturating_add(place.held()?);
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
