// SPDX-License-Identifier: GPL-2.0

//! Redirecting several maps as one.
//!
//! All gates are closed, then all maps are zapped, and only when every map has its new memory does
//! the first gate open. Whoever sees the new memory of one map thus cannot see the old memory of
//! another any more.

use super::{redirect::Target, suspension::Terms, switch::Switch, Map};
use crate::{descriptor::Part, os::mutex::Guard, registry::Strong};
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNode},
};

/// Maps, each once, and the memory that each is to show.
pub(crate) struct Batch(RBTree<u64, (Strong<Map>, Target)>);

/// A map of a batch whose control mutex is held.
struct Locked<'a> {
    switch: Switch<'a>,
    part: Option<Part>,
    was_suspended: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self(RBTree::new())
    }

    /// `EPERM` for a map that is not Unique, `EINVAL` for one that is in the batch already.
    pub(crate) fn add(&mut self, map: &Strong<Map>, target: Target) -> Result {
        if !map.options.is_unique() {
            return Err(EPERM);
        }
        if self.0.get(&map.id()).is_some() {
            return Err(EINVAL);
        }
        self.0.insert(RBTreeNode::new(
            map.id(),
            (map.clone(), target),
            GFP_KERNEL,
        )?);
        Ok(())
    }

    /// Redirects them all, or none: errors and result as of [`super::Handle::redirect`]. `outer`
    /// is a mutex of the caller's own, which lets it take the maps' in order.
    pub(crate) fn redirect(&self, outer: &Guard<'_, ()>, refuse_pinned: bool) -> Result<usize> {
        let mut maps = KVec::new();

        // In the order of ids.
        for (map, target) in self.0.values() {
            let switch = Switch::new(map, map.control.lock_nested(outer)?);
            if map.has_ended() {
                continue;
            }
            let locked = Locked {
                part: Some(target.observed_by(map)?),
                was_suspended: switch.suspension().is_some(),
                switch,
            };
            maps.push(locked, GFP_KERNEL)?;
        }

        for map in &maps {
            // The gate of a suspended map is closed, on its own terms.
            if !map.was_suspended {
                map.switch.close(Terms::SWITCH);
            }
        }
        for map in &maps {
            map.switch.zap();
        }
        let pinned = maps.iter().map(|map| map.switch.held_pages()).sum();
        let refused = refuse_pinned && pinned != 0;
        for map in &mut maps {
            if let Some(part) = map.part.take().filter(|_| !refused) {
                map.switch.install(part, pinned);
                map.was_suspended = false;
            }
        }
        for map in &maps {
            if !map.was_suspended {
                map.switch.open();
            }
        }
        if refused {
            return Err(EBUSY);
        }
        Ok(pinned)
    }
}
