// SPDX-License-Identifier: MIT OR Apache-2.0

//! `map`: maps memory into a process that is there already.

use std::fmt;

use anyhow::Result;
use iomd::{AnyObject, Client, Error, Guards, Kind};
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
    let &Map { id, task, at, offset, length, read_only, unique, prefault, overwrite, guards } =
        arguments;
    let process = client.task(task)?;
    let (map, range) = match client.open_object(id)? {
        AnyObject::Descriptor(descriptor) => {
            // Nobody has a file descriptor of it when this program has gone.
            let map = descriptor.map().keep(true).unique(unique).read_only(read_only);
            let map = map.prefault(prefault).overwrite(overwrite);
            let map = map.guards(guards.map_or(Guards::None, Into::into));
            (map.offset(offset).length(length).create()?, (0, 0))
        }
        AnyObject::Map(_) if unique || prefault || overwrite || guards.is_some() => {
            return Err(Error::OtherKind { id, expected: "descriptor", found: Kind::Map }.into());
        }
        AnyObject::Map(map) => (map, (offset, length)),
    };
    let mut mapping = map.map_into(&process).range(range.0, range.1).read_only(read_only);
    mapping = match at {
        // SAFETY: it is another process; who names this one wants it to break.
        Some(address) if overwrite => unsafe { mapping.over(address) },
        Some(address) => mapping.at(address),
        None => mapping,
    };
    let address = mapping.run()?;
    Ok(Mapped { map: map.id()?, process: task, address })
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { map, process, address } = self;
        write!(f, "map {map} mapped at {address:#x} in {process}")
    }
}
