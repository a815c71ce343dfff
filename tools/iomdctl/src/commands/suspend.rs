// SPDX-License-Identifier: MIT OR Apache-2.0

//! `suspend`: makes every access to a map wait.

use anyhow::Result;
use iomd::Client;

use super::done::Done;

pub fn run(client: &Client, id: u64) -> Result<Done> {
    let suspended = client.open_map(id)?.suspend()?;
    Ok(Done { map: id, done: "suspended", pinned: Some(suspended.pinned) })
}
