// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the commands that change a map have to say.

use std::fmt;

use serde::Serialize;

/// A map that was changed.
#[derive(Debug, Serialize)]
pub struct Done {
    /// The map.
    pub map: u64,
    /// What was done to it.
    pub done: &'static str,
    /// Pages of the memory that it had which someone holds for I/O.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<u64>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "map {} {}", self.map, self.done)?;
        match self.pinned {
            None | Some(0) => Ok(()),
            Some(pinned) => write!(f, "; {pinned} pages of the memory it had are held for I/O"),
        }
    }
}
