// SPDX-License-Identifier: MIT OR Apache-2.0

//! `seal`: lets nobody else control a map.

use anyhow::Result;
use iomd::Client;

use super::done::{Changed, Done};
use super::hold::hold;
use crate::arguments::Seal;
use crate::output;

/// Says what it has done before it waits for the end of the input, if it is to.
pub fn run(client: &Client, arguments: &Seal, json: bool) -> Result<()> {
    let map = client.open_map(arguments.id)?;
    map.seal()?;
    let changed = Changed::Map(arguments.id);
    output::result(&Done { changed, done: "sealed", pinned: None }, json)?;
    if arguments.hold {
        hold()?;
    }
    Ok(())
}
