// SPDX-License-Identifier: GPL-2.0

//! Maps: a part of a descriptor as one mappable object (IOMemoryMap), whose backing can be switched
//! under all of its mappings at once.
//!
//! Lock order, outermost first:
//! 1. a descriptor's `copying` or a client's `batching` mutex: who holds one may take several control
//!    mutexes, by id;
//! 2. `control`: who changes what a map shows ([`switch::Switch`]); inside it `exports`, held while
//!    importers of the map's dma-bufs are told;
//! 3. the mmap lock or VMA lock of a task, and inside it the reservation of a dma-buf (the core's);
//! 4. `state`: what the map shows, taken for moments; faults only ever try it; then `pieces`, while
//!    entries go in;
//! 5. the core's i_mmap_rwsem and page-table locks; a descriptor's `observers`; `static_maps`, `wires`; a
//!    registry; the spinlocks `standing`, under which `state` is tried, `holder`, and that of [`waiters`].
//!
//! The protocol of a switch, which is what this module is about:
//!
//! ```text
//! controller                          access
//! ----------                          ------
//! close the gate                      faults: gate closed, or `state` taken -> waits
//! drain state                         (an insertion under way has it for reading)
//! zap: entries and TLBs are clean     faults -> waits
//! look for pins
//! write-lock state, new part, unlock
//! open the gate, wake all             faults again: inserts pages of the new part under `state`
//! ```

pub(crate) mod batch;
mod counters;
mod create;
mod export;
mod fault;
pub(crate) mod flush;
mod handle;
mod held;
mod hold;
mod holder;
mod in_kernel;
mod info;
mod observe;
mod page;
mod piece;
mod redirect;
mod seal;
mod segment;
pub(crate) mod sharing;
mod standing;
mod state;
pub(crate) mod static_map;
mod switch;
mod trail;
pub(crate) mod view;
mod wait;
mod waiters;
mod wire;
mod zap;

use crate::{
    os::{
        big_reader_lock::BigReaderLock, dma_buf::export::Exports, global::global_mutex,
        mappings::Mappings, mutex::KillableMutex, rwsem::RwSemaphore, trace, user, wait::WaitQueue,
    },
    pure::{gate::Gate, options::Options, range::PageRange},
    registry::{Identity, Object, Registry, Strong},
};
use counters::Counters;
use holder::Holder;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Relaxed, Release},
        Mutex, SpinLock,
    },
};
use standing::Standing;
use state::State;
use static_map::StaticMap;
use trail::Trail;
use waiters::Waiters;
use wire::Wires;

pub(crate) use create::{Inheritance, Request};
pub(crate) use handle::Handle;
pub(crate) use info::Info;
pub(crate) use redirect::{Patience, Target};

global_mutex! {
    static MAPS: Mutex<Registry<Map>> = Registry::new();
    /// Makes the registry of maps usable.
    fn init_registry
}

/// See the module's documentation.
#[pin_data]
pub(crate) struct Map {
    identity: Identity,
    /// The pages of the map itself: `0..pages`.
    range: PageRange,
    /// Where in the first of them its first byte is.
    page_offset: u64,
    length: u64,
    options: Options,
    inheritance: Inheritance,
    keep: bool,
    in_kernel: bool,
    unpinnable: bool,
    maker: user::Maker,
    handles: Atomic<usize>,
    /// The handle that sealed it, as a number; 0 for none. Changes once, under `control`.
    sealed_by: Atomic<u64>,
    /// All VMAs that show it.
    #[pin]
    mappings: Mappings,
    #[pin]
    control: KillableMutex<()>,
    #[pin]
    state: BigReaderLock<State, Trail>,
    /// Closed before `state` is locked for writing and opened after it is unlocked, so that whoever
    /// fails to get `state` finds a closed gate, and sleeps instead of spinning on the fault.
    gate: Gate,
    /// As in `state`; set before, for the same reason.
    ended: Atomic<bool>,
    /// Held while gate and terms change together, and by who refuses an access, so that he has the
    /// terms of what holds it up and not those of the switch before or after.
    #[pin]
    standing: SpinLock<Standing>,
    /// For writing while an entry for a piece goes in, and for reading while entries for its pages do.
    #[pin]
    pieces: RwSemaphore<()>,
    /// Accesses that wait.
    #[pin]
    access: WaitQueue,
    /// Those who wait for an access that waits.
    #[pin]
    pollers: WaitQueue,
    #[pin]
    waiters: Waiters,
    #[pin]
    holder: SpinLock<Option<Holder>>,
    #[pin]
    exports: Exports,
    #[pin]
    static_maps: Mutex<Registry<StaticMap>>,
    #[pin]
    wires: Mutex<Wires>,
    counters: Counters,
    /// How many faults had been served when all page-table entries were taken away last.
    faults_zapped: Atomic<u64>,
}

impl Map {
    /// The map with this id; `ENOENT`.
    pub(crate) fn by_id(id: u64) -> Result<Strong<Self>> {
        MAPS.lock().get(id)
    }

    /// The smallest id of a map above `id`.
    pub(crate) fn next_id(id: u64) -> Option<u64> {
        MAPS.lock().next(id)
    }

    pub(crate) fn id(&self) -> u64 {
        self.identity.id()
    }

    /// The map's own pages, from 0.
    pub(crate) fn range(&self) -> PageRange {
        self.range
    }

    /// Where in the first page its first byte is.
    pub(crate) fn page_offset(&self) -> u64 {
        self.page_offset
    }

    /// Bytes, as asked for.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn options(&self) -> Options {
        self.options
    }

    pub(crate) fn inheritance(&self) -> Inheritance {
        self.inheritance
    }

    /// How many handles it has: at the last one's end the mapping ends, unless it is to be kept.
    pub(crate) fn handles(&self) -> usize {
        self.handles.load(Relaxed)
    }

    /// Which page of the memory that it shows now its page `page` is. A guess, just while that changes.
    pub(crate) fn page_of_memory(&self, page: usize) -> usize {
        // Never waits for the lock: the mmap lock is held.
        let start = self.state.try_read().and_then(|state| {
            let part = state.part.as_ref()?;
            Some(part.range().start())
        });

        page.wrapping_add(start.unwrap_or(0))
    }

    /// Whether the mapping has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Acquire)
    }

    /// Ends the mapping: who touches it gets SIGBUS; its addresses stay reserved until their tasks
    /// unmap them. A second call does nothing.
    ///
    /// It takes no control mutex, so that the exit of a task never waits for somebody's copy; a
    /// switch that is under way finds the map ended.
    fn end(&self) {
        self.ended.store(true, Release);
        // Whoever inserts a page has `state` for reading; after this nobody does.
        let again = core::mem::replace(&mut self.state.write().ended, true);
        // Also by the second of two at once, whose caller relies on it as well.
        self.zap(self.range);
        self.exports.revoke();
        if again {
            return;
        }
        self.unwire_all();
        self.counters.generation.fetch_add(1, Relaxed);
        trace::end(self.id());
        self.access.wake_all();
        self.pollers.wake_all();
    }
}

impl Object for Map {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// No file and no VMA is left, so nobody can reach the memory or wait.
    fn retire(&self) {
        let removed = MAPS.lock().remove(self.id());
        let part = {
            let mut state = self.state.write();
            // A copy can be about to give it another part.
            state.ended = true;
            state.part.take()
        };

        drop(part);
        self.unwire_all();
        drop(removed);
    }
}
