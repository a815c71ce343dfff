// SPDX-License-Identifier: MIT OR Apache-2.0

//! `resume`: lets accesses to a suspended map or descriptor go on.

use anyhow::Result;
use iomd::{AnyObject, Client};

use super::done::{Changed, Done};

pub fn run(client: &Client, id: u64) -> Result<Done> {
    let changed = match client.open_object(id)? {
        AnyObject::Map(map) => {
            map.resume()?;
            Changed::Map(id)
        }
        AnyObject::Descriptor(descriptor) => {
            descriptor.resume()?;
            Changed::Descriptor(id)
        }
    };
    Ok(Done { changed, done: "resumed", pinned: None })
}
