// SPDX-License-Identifier: MIT OR Apache-2.0

//! `redirect`: switches the memory behind a map.

use anyhow::Result;
use iomd::{Access, Client};

use super::done::Done;
use crate::arguments::Redirect;

pub fn run(client: &Client, arguments: &Redirect) -> Result<Done> {
    let map = client.open_map(arguments.map)?;
    let descriptor = client.open_descriptor(arguments.descriptor, Access::ReadWrite)?;
    let redirected = map
        .redirect(&descriptor)
        .offset(arguments.offset)
        .refuse_pinned(arguments.refuse_pinned)
        .run()?;
    Ok(Done { map: arguments.map, done: "redirected", pinned: Some(redirected.pinned) })
}
