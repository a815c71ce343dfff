// SPDX-License-Identifier: GPL-2.0

//! Redirecting several maps as one.
//!
//! All gates are closed, then all maps are zapped, and only when every map has its new memory does
//! the first gate open. Whoever sees the new memory of one map thus cannot see the old memory of
//! another any more.

use super::{redirect::Target, switch::Switch, Handle, Map};
use crate::{
    descriptor::Part,
    os::mutex::Guard,
    registry::Strong,
    suspension::{HandleId, Terms},
};
use kernel::{prelude::*, rbtree::RBTree};

/// Maps, each once, in the order in which they are locked.
pub(crate) struct Batch(RBTree<u64, Entry>);

struct Entry {
    map: Strong<Map>,
    /// Through which it is redirected.
    handle: HandleId,
    target: Target,
}

/// A map of a batch whose control mutex is held.
struct Locked<'a> {
    switch: Switch<'a>,
    part: Option<Part>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self(RBTree::new())
    }

    /// `EPERM` for a map that is not Unique, `EINVAL` for one that is in the batch already.
    pub(crate) fn add(&mut self, handle: &Handle, target: Target) -> Result {
        let map = handle.map.clone();
        let id = map.id();

        if !map.options.is_unique() {
            return Err(EPERM);
        }
        if self.0.get(&id).is_some() {
            return Err(EINVAL);
        }
        let entry = Entry {
            map,
            handle: handle.id,
            target,
        };
        self.0.try_create_and_insert(id, entry, GFP_KERNEL)?;
        Ok(())
    }

    /// Redirects them all, or none: errors and result as of [`super::Handle::redirect`]. `outer`
    /// is a mutex of the caller's own, which lets it take the maps' in order.
    pub(crate) fn redirect(&self, outer: &Guard<'_, ()>, refuse_pinned: bool) -> Result<usize> {
        let mut maps = KVec::new();

        for Entry {
            map,
            handle,
            target,
        } in self.0.values()
        {
            let switch = Switch::new(map, map.control.lock_nested(outer)?);
            map.check_seal(*handle)?;
            if map.has_ended() {
                continue;
            }
            map.check_wires()?;
            let locked = Locked {
                part: Some(target.observed_by(map)?),
                switch,
            };
            maps.push(locked, GFP_KERNEL)?;
        }

        for map in &maps {
            map.switch.close(Terms::SWITCH);
        }
        for map in &maps {
            map.switch.zap(map.switch.map().range);
        }
        let pinned = maps
            .iter()
            .try_fold(0_usize, |sum, map| {
                let held = map.switch.held_pages(map.switch.map().range)?;
                Ok(sum.saturating_add(held))
            })
            .and_then(|pinned| {
                if refuse_pinned && pinned != 0 {
                    Err(EBUSY)
                } else {
                    Ok(pinned)
                }
            });
        if let Ok(pinned) = pinned {
            for map in &mut maps {
                if let Some(part) = map.part.take() {
                    map.part = map.switch.install(part, pinned);
                    map.switch.let_all_go();
                }
            }
        }
        for map in &maps {
            map.switch.settle();
        }
        // What they showed before is dropped with them.
        pinned
    }
}
