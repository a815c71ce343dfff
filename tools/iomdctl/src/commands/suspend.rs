// SPDX-License-Identifier: MIT OR Apache-2.0

//! `suspend`: makes every access to a map wait.

use std::io;

use anyhow::{Context, Result};
use iomd::{Client, Deadline};

use super::done::{Changed, Done};
use crate::arguments::Suspend;
use crate::output;

/// Says what it has done before it waits for the end of the input, if it is to.
pub fn run(client: &Client, arguments: &Suspend, json: bool) -> Result<()> {
    let map = client.open_map(arguments.id)?;
    let mut suspension = map
        .suspend_with()
        .if_abandoned(arguments.if_abandoned.into())
        .refuse_pinned(arguments.refuse_pinned);
    if let Some(seconds) = arguments.deadline {
        suspension = suspension.deadline(Deadline::after(seconds));
    }
    let pinned = Some(suspension.run()?.pinned);
    let changed = Changed::Map(arguments.id);
    output::result(&Done { changed, done: "suspended", pinned }, json)?;

    if arguments.hold {
        // A signal need not be handled: with this program goes the map's file, and so the owner.
        io::copy(&mut io::stdin().lock(), &mut io::sink())
            .context("cannot read the standard input")?;
    }
    Ok(())
}
