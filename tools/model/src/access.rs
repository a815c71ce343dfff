// SPDX-License-Identifier: MIT OR Apache-2.0

//! An access and its fault: `rust/map/fault.rs`.

use crate::{
    Omission, Protocol,
    process::{Fork, Unmap},
    state::{CHILD, MAPPING_OF, Memory, State},
};

/// What a thread does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// The instruction that accesses the page.
    #[default]
    Ready,
    /// In the fault, with the mapping's lock: look at the gate.
    Look,
    /// Try to lock the state for reading.
    Lock,
    /// Look at the gate again.
    LookAgain,
    /// See what the map shows.
    Find,
    /// Put that into the page table.
    Insert(Memory),
    /// Unlock the state and return from the fault.
    Return,
    /// Let go of the mapping's lock, for a sleep.
    Release,
    /// From here on a wake-up comes.
    Enqueue,
    /// Look at the gate, and sleep if it is closed. One step, since a wake-up between the two keeps
    /// the thread from sleeping.
    LookBeforeSleep,
    Asleep,
    /// It got at the memory, or found nothing mapped there any more.
    Done,
}

impl Protocol {
    /// A thread's next step; false if it has to wait, or is done.
    pub(crate) fn access(&self, state: &mut State, thread: usize) -> bool {
        let State { map, mappings, threads, fork, unmap, .. } = state;
        let number = MAPPING_OF[thread];
        let mapping = &mut mappings[number];
        let locks = self.keeps(Omission::InsertUnderLock);

        threads[thread] = match threads[thread] {
            Access::Ready if mapping.remembered.is_some() => Access::Done,
            // The processor finds it in the page table, and remembers.
            Access::Ready if mapping.entry.is_some() => {
                mapping.remembered = mapping.entry;
                Access::Done
            }
            Access::Ready if mapping.is_mapped => {
                mapping.faults += 1;
                Access::Look
            }
            Access::Ready if number == CHILD && *fork != Fork::Done => return false,
            Access::Ready if *unmap != Unmap::Detach => Access::Done,
            Access::Look if map.is_closed => Access::Release,
            Access::Look if locks => Access::Lock,
            Access::Look => Access::Find,
            Access::Lock => {
                map.readers += 1;
                Access::LookAgain
            }
            Access::LookAgain if map.is_closed && self.keeps(Omission::SecondLook) => {
                map.readers -= 1;
                Access::Release
            }
            Access::LookAgain => Access::Find,
            Access::Find => Access::Insert(map.memory),
            Access::Insert(memory) => {
                // An entry that is there stays.
                mapping.entry.get_or_insert(memory);
                Access::Return
            }
            Access::Return => {
                map.readers -= u8::from(locks);
                mapping.faults -= 1;
                Access::Ready
            }
            Access::Release => {
                mapping.faults -= 1;
                Access::Enqueue
            }
            Access::Enqueue if self.keeps(Omission::LookBeforeSleep) => Access::LookBeforeSleep,
            Access::Enqueue => Access::Asleep,
            Access::LookBeforeSleep if map.is_closed => Access::Asleep,
            Access::LookBeforeSleep => Access::Ready,
            // It is the controller who wakes.
            Access::Ready | Access::Asleep | Access::Done => return false,
        };
        true
    }
}
