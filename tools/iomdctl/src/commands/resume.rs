// SPDX-License-Identifier: MIT OR Apache-2.0

//! `resume`: lets accesses to a suspended map go on.

use anyhow::Result;
use iomd::Client;

use super::done::{Changed, Done};

pub fn run(client: &Client, id: u64) -> Result<Done> {
    client.open_map(id)?.resume()?;
    Ok(Done { changed: Changed::Map(id), done: "resumed", pinned: None })
}
