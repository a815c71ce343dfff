// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a process does to its mappings while they are redirected: `kernel/fork.c`, `mm/mmap.c` and
//! `mm/memory.c`.

use crate::{
    Omission, Protocol,
    state::{CHILD, PARENT, State},
};

/// What fork does next. It has the parent's mmap lock, as munmap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Fork {
    /// Wait for the parent's faults, and keep others out.
    #[default]
    Lock,
    /// Put the child's mapping into the interval tree, which waits for a zap that is under way.
    Link,
    /// Copy the parent's entry, with both page tables locked.
    Copy,
    /// The same, if copying comes first.
    LinkLate,
    /// The child runs, the parent's faults come in again.
    Unlock,
    Done,
}

/// What munmap does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Unmap {
    /// Wait for the parent's faults, and let no more come.
    #[default]
    Detach,
    /// Take the entry away.
    Clear,
    /// Processors forget it.
    Flush,
    /// Take the mapping out of the interval tree, which waits for a zap that is under way.
    Unlink,
    Done,
}

impl Protocol {
    /// Fork's next step; false if it has to wait, or is done.
    pub(crate) fn fork(&self, state: &mut State) -> bool {
        let being_zapped = state.map.is_being_zapped;

        state.fork = match state.fork {
            Fork::Lock if state.mappings[PARENT].faults == 0 => {
                state.mappings[PARENT].is_mapped = false;
                if self.keeps(Omission::ForkLinksFirst) { Fork::Link } else { Fork::Copy }
            }
            Fork::Link | Fork::LinkLate if !being_zapped => {
                state.mappings[CHILD].is_linked = true;
                if state.fork == Fork::Link { Fork::Copy } else { Fork::Unlock }
            }
            Fork::Copy => {
                state.mappings[CHILD].entry = state.mappings[PARENT].entry;
                if self.keeps(Omission::ForkLinksFirst) { Fork::Unlock } else { Fork::LinkLate }
            }
            Fork::Unlock => {
                state.mappings[PARENT].is_mapped = true;
                state.mappings[CHILD].is_mapped = true;
                Fork::Done
            }
            _ => return false,
        };
        true
    }

    /// munmap's next step, after the fork; false if it has to wait, or is done.
    pub(crate) fn unmap(&self, state: &mut State) -> bool {
        let order = match self.omission {
            Some(Omission::UnmapClearsFirst) => {
                [Unmap::Detach, Unmap::Unlink, Unmap::Clear, Unmap::Flush]
            }
            Some(Omission::UnmapFlushesFirst) => {
                [Unmap::Detach, Unmap::Clear, Unmap::Unlink, Unmap::Flush]
            }
            _ => [Unmap::Detach, Unmap::Clear, Unmap::Flush, Unmap::Unlink],
        };
        let waits = match state.unmap {
            Unmap::Detach => state.fork != Fork::Done || state.mappings[PARENT].faults != 0,
            Unmap::Unlink => state.map.is_being_zapped,
            Unmap::Done => true,
            Unmap::Clear | Unmap::Flush => false,
        };
        if waits {
            return false;
        }
        let mapping = &mut state.mappings[PARENT];

        match state.unmap {
            Unmap::Detach => mapping.is_mapped = false,
            Unmap::Clear => mapping.entry = None,
            Unmap::Flush => mapping.remembered = None,
            Unmap::Unlink => mapping.is_linked = false,
            Unmap::Done => {}
        }
        let next = order.iter().position(|&step| step == state.unmap).map(|done| done + 1);
        state.unmap = next.and_then(|next| order.get(next).copied()).unwrap_or(Unmap::Done);
        true
    }
}
