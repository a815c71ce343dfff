// SPDX-License-Identifier: MIT OR Apache-2.0

//! `list`: all objects.

use std::fmt;

use anyhow::Result;
use iomd::{Client, Errno, Purgeable};
use serde::Serialize;

use super::show::{Shown, look};

/// Objects, by rising ids.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct List(Vec<Shown>);

pub fn run(client: &Client) -> Result<List> {
    let mut list = Vec::new();
    for object in client.objects() {
        match look(client, object?.id) {
            Ok(shown) => list.push(shown),
            // It has gone since it was listed.
            Err(error) if error.errno() == Errno::NOENT => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(List(list))
}

impl IntoIterator for List {
    type Item = Shown;
    type IntoIter = std::vec::IntoIter<Shown>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6}  {:<8} {:>14}  DETAILS", "ID", "KIND", "BYTES")?;
        for shown in &self.0 {
            match shown {
                Shown::Descriptor(it) => {
                    write!(f, "{:>6}  {:<8} {:>14}  ", it.id, it.kind, it.length)?;
                    write!(f, "{} resident, maps: {}", it.resident, it.maps)?;
                    if it.purgeable != Purgeable::NonVolatile.to_string() {
                        write!(f, ", {}", it.purgeable)?;
                    }
                    writeln!(f)?;
                }
                Shown::Map(it) => {
                    write!(f, "{:>6}  {:<8} {:>14}  ", it.id, it.kind, it.length)?;
                    write!(f, "{}, descriptor {} from {}", it.state(), it.descriptor, it.offset)?;
                    if let Some(map) = it.part_of {
                        write!(f, ", part of map {map}")?;
                    }
                    match it.task {
                        Some(task) => writeln!(f, ", process {task}")?,
                        None => writeln!(f)?,
                    }
                }
            }
        }
        Ok(())
    }
}
