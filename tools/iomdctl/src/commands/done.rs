// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the commands that change objects have to say.

use std::fmt;

use serde::Serialize;

/// What was changed.
#[derive(Debug, Serialize)]
pub struct Done {
    /// Which.
    #[serde(flatten)]
    pub changed: Changed,
    /// What was done to them.
    pub done: &'static str,
    /// Pages of the memory that they had which someone holds for I/O.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<u64>,
}

/// Which objects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Changed {
    /// A descriptor.
    Descriptor(u64),
    /// A map.
    Map(u64),
    /// Several, as one.
    Maps(Vec<u64>),
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.changed {
            Changed::Descriptor(descriptor) => {
                write!(f, "descriptor {descriptor} {}", self.done)?;
            }
            Changed::Map(map) => write!(f, "map {map} {}", self.done)?,
            Changed::Maps(maps) => {
                let maps: Vec<_> = maps.iter().map(u64::to_string).collect();
                write!(f, "maps {} {} as one", maps.join(", "), self.done)?;
            }
        }
        match self.pinned {
            None | Some(0) => Ok(()),
            Some(pinned) => write!(f, "; {pinned} pages of the memory before are held for I/O"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_named() {
        let one = Done { changed: Changed::Map(3), done: "resumed", pinned: None };
        assert_eq!(one.to_string(), "map 3 resumed");
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"map":3,"done":"resumed"}"#);

        let memory = Done { changed: Changed::Descriptor(1), done: "suspended", pinned: None };
        assert_eq!(memory.to_string(), "descriptor 1 suspended");

        let maps = Changed::Maps(vec![3, 5]);
        let several = Done { changed: maps, done: "redirected", pinned: Some(7) };
        assert_eq!(
            several.to_string(),
            "maps 3, 5 redirected as one; 7 pages of the memory before are held for I/O"
        );
        assert_eq!(
            serde_json::to_string(&several).unwrap(),
            r#"{"maps":[3,5],"done":"redirected","pinned":7}"#
        );
    }
}
