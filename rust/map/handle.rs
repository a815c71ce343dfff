// SPDX-License-Identifier: GPL-2.0

//! Handles: how long a mapping lives, and who owns its suspension.

use super::Map;
use crate::{registry::Strong, suspension::HandleId};
use core::ops::Deref;
use kernel::{
    prelude::*,
    sync::atomic::{Full, Relaxed},
};

/// A handle of a map: what a user's open file stands for. The last one to go ends the mapping,
/// unless the map was made to be kept; and a suspension that was made through it is abandoned.
pub(crate) struct Handle {
    pub(super) map: Strong<Map>,
    pub(super) id: HandleId,
}

impl Handle {
    /// `ENFILE`.
    pub(crate) fn new(map: Strong<Map>) -> Result<Self> {
        let id = HandleId::new()?;

        map.handles.fetch_add(1, Relaxed);
        Ok(Self { map, id })
    }

    /// Another handle of a map that one keeps from ending, or that needs none.
    pub(super) fn of_live(map: &Strong<Map>) -> Option<Self> {
        let id = HandleId::new().ok()?;
        let mut handles = map.handles.load(Relaxed);

        while handles != 0 || map.keep {
            match map.handles.cmpxchg(handles, handles.wrapping_add(1), Full) {
                Ok(_) => {
                    return Some(Self {
                        map: map.clone(),
                        id,
                    })
                }
                Err(now) => handles = now,
            }
        }
        None
    }
}

impl Deref for Handle {
    type Target = Strong<Map>;

    fn deref(&self) -> &Strong<Map> {
        &self.map
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.map.handles.fetch_sub(1, Full) == 1 && !self.map.keep {
            self.map.end();
        } else {
            self.map.abandon(self.id);
        }
    }
}
