// SPDX-License-Identifier: MIT OR Apache-2.0

//! `remap`: maps memory that a process has in another place as well.

use std::fmt;

use anyhow::Result;
use iomd::{Client, Protection};
use serde::Serialize;

use super::names::names;
use crate::arguments::Remap;

/// A new mapping.
#[derive(Debug, Serialize)]
pub struct Remapped {
    process: i32,
    address: u64,
    cur_protection: Vec<String>,
    max_protection: Vec<String>,
}

pub fn run(client: &Client, arguments: &Remap) -> Result<Remapped> {
    let &Remap { source, address, length, task, at, from, mask, copy, read_only, inheritance } =
        arguments;
    let process = task.unwrap_or(source);
    let (source, target) = (client.task(source)?, client.task(process)?);
    let mut remap = client.remap(&source, address, length).into_task(&target).mask(mask);
    remap = match at {
        Some(address) => remap.at(address),
        None => remap.from(from),
    };
    if read_only {
        remap = remap.protections(Protection::READ, Protection::READ);
    }
    let done = remap.copy(copy).inheritance(inheritance.into()).run()?;
    Ok(Remapped {
        process,
        address: done.address,
        cur_protection: names(done.cur.iter_names()),
        max_protection: names(done.max.iter_names()),
    })
}

impl fmt::Display for Remapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, address, cur_protection, max_protection } = self;
        let words = |names: &[String]| {
            if names.is_empty() { "none".to_owned() } else { names.join(" ") }
        };
        write!(f, "mapped at {address:#x} in {process}: ")?;
        write!(f, "{}; at most {}", words(cur_protection), words(max_protection))
    }
}
