// SPDX-License-Identifier: MIT OR Apache-2.0

//! `purge`: says whether the kernel may take a descriptor's memory.

use std::fmt;

use anyhow::Result;
use iomd::{Access, Client};
use serde::Serialize;

use crate::arguments::Purge;

/// A descriptor whose memory may be taken now, or no more.
#[derive(Debug, Serialize)]
pub struct Purged {
    pub descriptor: u64,
    pub state: String,
    pub before: String,
}

pub fn run(client: &Client, arguments: &Purge) -> Result<Purged> {
    let descriptor = client.open_descriptor(arguments.id, Access::ReadWrite)?;
    let before = descriptor.set_purgeable(arguments.state.into())?;
    // What was taken stays so, unless it was to be kept.
    let state = descriptor.info()?.purgeable;
    Ok(Purged { descriptor: arguments.id, state: state.to_string(), before: before.to_string() })
}

impl fmt::Display for Purged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "descriptor {} is {}; it was {}", self.descriptor, self.state, self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_states_are_told() {
        let purged = Purged { descriptor: 1, state: "non-volatile".into(), before: "empty".into() };
        assert_eq!(purged.to_string(), "descriptor 1 is non-volatile; it was empty");
        assert_eq!(
            serde_json::to_string(&purged).unwrap(),
            r#"{"descriptor":1,"state":"non-volatile","before":"empty"}"#
        );
    }
}
