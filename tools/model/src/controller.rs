// SPDX-License-Identifier: MIT OR Apache-2.0

//! Redirect: `rust/map/switch.rs` and `rust/map/redirect.rs`, and what unmap_mapping_range does for it.

use crate::{
    Omission, Protocol,
    access::Access,
    state::{CHILD, Mapping, Memory, PARENT, State},
};

#[derive(Clone, Copy)]
enum Act {
    /// Close the gate.
    Close,
    /// Drain the state: who passed the gate before has left then.
    Drain,
    /// Take i_mmap_rwsem.
    BeginZap,
    /// Take the first mapping's entry away.
    ZapFirst,
    /// And the second's.
    ZapSecond,
    /// All processors forget the two.
    Flush,
    EndZap,
    /// Lock the state for writing, put the new memory in, unlock it.
    Install,
    /// Open the gate.
    Open,
    /// Wake all who sleep.
    Wake,
}

use Act::*;

/// How many acts a redirect has.
pub(crate) const ACTS: usize = 10;

const SHIPPED: [Act; ACTS] =
    [Close, Drain, BeginZap, ZapFirst, ZapSecond, Flush, EndZap, Install, Open, Wake];
const ZAP_BEFORE_GATE: [Act; ACTS] =
    [BeginZap, ZapFirst, ZapSecond, Flush, EndZap, Close, Drain, Install, Open, Wake];
const WAKE_BEFORE_OPEN: [Act; ACTS] =
    [Close, Drain, BeginZap, ZapFirst, ZapSecond, Flush, EndZap, Install, Wake, Open];

impl Protocol {
    /// The controller's next act; false if it has to wait, or is done.
    pub(crate) fn control(&self, state: &mut State) -> bool {
        let acts = match self.omission {
            Some(Omission::ZapBeforeGate) => ZAP_BEFORE_GATE,
            Some(Omission::OpenBeforeWake) => WAKE_BEFORE_OPEN,
            _ => SHIPPED,
        };
        let Some(act) = acts.get(state.acts_done) else {
            return false;
        };
        let order =
            if self.keeps(Omission::ZapParentFirst) { [PARENT, CHILD] } else { [CHILD, PARENT] };
        let nobody_reads = state.map.readers == 0;

        match act {
            Close => state.map.is_closed = true,
            Drain if nobody_reads || !self.keeps(Omission::Drain) => {}
            BeginZap => state.map.is_being_zapped = true,
            ZapFirst => self.zap(&mut state.mappings[order[0]]),
            ZapSecond => self.zap(&mut state.mappings[order[1]]),
            Flush => {
                for mapping in &mut state.mappings {
                    if core::mem::take(&mut mapping.is_to_be_flushed) {
                        mapping.remembered = None;
                    }
                }
            }
            EndZap => state.map.is_being_zapped = false,
            Install if nobody_reads => state.map.memory = Memory::New,
            Open => state.map.is_closed = false,
            Wake => {
                for thread in &mut state.threads {
                    let is_queued = matches!(thread, Access::LookBeforeSleep | Access::Asleep);
                    if is_queued && self.keeps(Omission::Wake) {
                        *thread = Access::Ready;
                    }
                }
            }
            Drain | Install => return false,
        }
        state.acts_done += 1;
        true
    }

    /// Takes a mapping's entry away, if a zap finds the mapping.
    fn zap(&self, mapping: &mut Mapping) {
        if mapping.is_linked {
            // tlb_finish_mmu: also if it is munmap who took the entry and has not flushed yet.
            mapping.is_to_be_flushed =
                mapping.entry.is_some() || self.keeps(Omission::FlushForOthers);
            mapping.entry = None;
        }
    }
}
