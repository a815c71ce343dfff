// SPDX-License-Identifier: MIT OR Apache-2.0

//! `map`: maps memory into a process that is there already.

use std::fmt;

use anyhow::Result;
use iomd::{AnyObject, Client};
use serde::Serialize;

use crate::arguments::Map;

/// A new mapping.
#[derive(Debug, Serialize)]
pub struct Mapped {
    map: u64,
    process: i32,
    address: u64,
}

pub fn run(client: &Client, arguments: &Map) -> Result<Mapped> {
    let &Map { id, task, at, offset, length, read_only, unique, prefault } = arguments;
    let process = client.task(task)?;
    let (map, range) = match client.open_object(id)? {
        AnyObject::Descriptor(descriptor) => {
            // Nobody has a file descriptor of it when this program has gone.
            let map = descriptor.map().keep(true).unique(unique).read_only(read_only);
            (map.offset(offset).length(length).create()?, (0, 0))
        }
        AnyObject::Map(map) => (map, (offset, length)),
    };
    let mut mapping = map.map_into(&process).range(range.0, range.1);
    if let Some(address) = at {
        mapping = mapping.at(address);
    }
    let address = mapping.read_only(read_only).prefault(prefault).run()?;
    Ok(Mapped { map: map.id()?, process: task, address })
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { map, process, address } = self;
        write!(f, "map {map} mapped at {address:#x} in {process}")
    }
}
