// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the steps change.

use crate::{
    access::Access,
    controller::ACTS,
    process::{Fork, Unmap},
};

/// How many threads access the map.
pub(crate) const THREADS: usize = 3;
/// In whose mapping each of them does: two in the parent, one in the child.
pub(crate) const MAPPING_OF: [usize; THREADS] = [PARENT, PARENT, CHILD];
pub(crate) const PARENT: usize = 0;
pub(crate) const CHILD: usize = 1;

/// What a map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Memory {
    Old,
    New,
}

/// A VMA with one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Mapping {
    /// Accesses find it, and may fault.
    pub(crate) is_mapped: bool,
    /// A zap finds it: it is in the interval tree of the map's address_space.
    pub(crate) is_linked: bool,
    /// The page-table entry.
    pub(crate) entry: Option<Memory>,
    /// What processors remember of it.
    pub(crate) remembered: Option<Memory>,
    /// The zap that is under way makes them forget.
    pub(crate) is_to_be_flushed: bool,
    /// How many faults hold its lock. munmap waits for them.
    pub(crate) faults: u8,
}

/// The map: see `rust/map/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Map {
    pub(crate) is_closed: bool,
    pub(crate) memory: Memory,
    /// How many have the state for reading.
    pub(crate) readers: u8,
    /// The core's i_mmap_rwsem, as long as a zap goes through the mappings.
    pub(crate) is_being_zapped: bool,
}

/// All there is at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) map: Map,
    pub(crate) mappings: [Mapping; 2],
    /// How far the redirect has come.
    pub(crate) acts_done: usize,
    pub(crate) fork: Fork,
    pub(crate) unmap: Unmap,
    pub(crate) threads: [Access; THREADS],
}

impl Default for State {
    fn default() -> Self {
        let parent = Mapping { is_mapped: true, is_linked: true, ..Mapping::default() };

        Self {
            map: Map { is_closed: false, memory: Memory::Old, readers: 0, is_being_zapped: false },
            mappings: [parent, Mapping::default()],
            acts_done: 0,
            fork: Fork::default(),
            unmap: Unmap::default(),
            threads: [Access::default(); THREADS],
        }
    }
}

impl State {
    pub(crate) fn has_returned(&self) -> bool {
        self.acts_done == ACTS
    }

    /// Whether a processor can read or write the old memory through some mapping, also one that
    /// is just being unmapped.
    pub(crate) fn reaches_old_memory(&self) -> bool {
        self.mappings
            .iter()
            .any(|mapping| [mapping.entry, mapping.remembered].contains(&Some(Memory::Old)))
    }

    pub(crate) fn is_all_done(&self) -> bool {
        self.has_returned()
            && self.fork == Fork::Done
            && self.unmap == Unmap::Done
            && self.threads.iter().all(|&thread| thread == Access::Done)
    }
}

/// Who does the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The redirect.
    Controller,
    /// The parent's fork.
    Fork,
    /// The parent's munmap.
    Unmap,
    /// The thread with this number.
    Access(usize),
}

impl Step {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Controller, Self::Fork, Self::Unmap]
            .into_iter()
            .chain((0..THREADS).map(Self::Access))
    }
}
