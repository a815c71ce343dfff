// SPDX-License-Identifier: MIT OR Apache-2.0

//! `show`: one object.

use std::fmt;

use anyhow::Result;
use iomd::{AnyObject, Client, DescriptorInfo, MapInfo};
use serde::Serialize;

use super::names::option_names;

/// An object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    Descriptor(Descriptor),
    Map(Map),
}

/// A descriptor.
#[derive(Debug, Serialize)]
pub struct Descriptor {
    pub id: u64,
    pub kind: String,
    pub length: u64,
    pub capacity: u64,
    pub resident: u64,
    pub maps: u64,
    pub purgeable: String,
    /// How many descriptors it is made of.
    pub parts: u64,
    pub preparation: Option<u64>,
    pub tag: u32,
}

/// A map.
#[derive(Debug, Serialize)]
pub struct Map {
    pub id: u64,
    pub kind: String,
    pub descriptor: u64,
    pub offset: u64,
    pub length: u64,
    pub mapped_size: u64,
    pub page_offset: u64,
    pub options: Vec<String>,
    pub inheritance: String,
    /// Of the map itself.
    pub state: &'static str,
    pub descriptor_suspended: bool,
    pub sealed: bool,
    pub in_kernel: bool,
    pub unpinnable: bool,
    pub task: Option<i32>,
    pub address: Option<u64>,
    pub generation: u64,
    pub redirects: u64,
    pub faults: u64,
    pub waiters: u64,
    pub waits: u64,
    pub longest_wait_ns: u64,
    pub wired: u64,
    /// Of a sub-map or a record, the map that it is part of. The counters are that one's.
    pub part_of: Option<u64>,
}

pub fn run(client: &Client, id: u64) -> Result<Shown> {
    Ok(look(client, id)?)
}

/// What is known of an object now.
pub fn look(client: &Client, id: u64) -> iomd::Result<Shown> {
    Ok(match client.open_object(id)? {
        AnyObject::Descriptor(descriptor) => Shown::Descriptor(descriptor.info()?.into()),
        AnyObject::Map(map) => Shown::Map(map.info()?.into()),
    })
}

impl From<DescriptorInfo> for Descriptor {
    fn from(info: DescriptorInfo) -> Self {
        Self {
            id: info.id,
            kind: info.kind.to_string(),
            length: info.length,
            capacity: info.capacity,
            resident: info.resident,
            maps: info.maps,
            purgeable: info.purgeable.to_string(),
            parts: info.parts,
            preparation: info.preparation,
            tag: info.tag,
        }
    }
}

impl From<MapInfo> for Map {
    fn from(info: MapInfo) -> Self {
        Self {
            id: info.id,
            kind: match (info.part_of, info.sub_map) {
                (None, _) => iomd::Kind::Map.to_string(),
                (Some(_), true) => "sub-map".into(),
                (Some(_), false) => "record".into(),
            },
            descriptor: info.descriptor_id,
            offset: info.offset,
            length: info.length,
            mapped_size: info.mapped_size,
            page_offset: info.page_offset,
            options: option_names(info.options),
            inheritance: info.inheritance.to_string(),
            state: match (info.ended, info.expired, info.suspended) {
                (true, _, _) => "ended",
                (_, true, _) => "expired",
                (_, _, true) => "suspended",
                _ => "active",
            },
            descriptor_suspended: info.descriptor_suspended,
            sealed: info.sealed,
            in_kernel: info.in_kernel,
            unpinnable: info.unpinnable,
            task: info.task,
            address: info.address,
            generation: info.generation,
            redirects: info.redirects,
            faults: info.faults,
            waiters: info.waiters,
            waits: info.waits,
            longest_wait_ns: info.longest_wait.as_nanos() as u64,
            wired: info.wired,
            part_of: info.part_of,
        }
    }
}

impl Map {
    /// All that is the matter with it.
    pub fn state(&self) -> String {
        let mut words = vec![self.state];
        if self.descriptor_suspended {
            // What is suspended from elsewhere is hardly active.
            words.retain(|word| *word != "active");
            words.push("descriptor suspended");
        }
        if self.sealed {
            words.push("sealed");
        }
        words.join(", ")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(descriptor) => descriptor.fmt(f),
            Self::Map(map) => map.fmt(f),
        }
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "descriptor {}", self.id)?;
        writeln!(f, "  kind          {}", self.kind)?;
        match self.capacity {
            capacity if capacity == self.length => {
                writeln!(f, "  length        {} bytes", self.length)?;
            }
            capacity => writeln!(f, "  length        {} of {capacity} bytes", self.length)?,
        }
        writeln!(f, "  resident      {} bytes", self.resident)?;
        writeln!(f, "  maps          {}", self.maps)?;
        writeln!(f, "  purgeable     {}", self.purgeable)?;
        writeln!(f, "  parts         {}", self.parts)?;
        match self.preparation {
            Some(number) => writeln!(f, "  preparation   {number}")?,
            None => writeln!(f, "  preparation   none")?,
        }
        writeln!(f, "  tag           {}", self.tag)
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.kind, self.id)?;
        if let Some(map) = self.part_of {
            writeln!(f, "  part of       map {map}")?;
        }
        writeln!(f, "  state         {}", self.state())?;
        writeln!(f, "  memory        descriptor {} from byte {} on", self.descriptor, self.offset)?;
        writeln!(f, "  length        {} bytes", self.length)?;
        writeln!(f, "  page offset   {}", self.page_offset)?;
        if self.wired != 0 {
            writeln!(f, "  wired         {} bytes", self.wired)?;
        }
        writeln!(f, "  options       {}", self.options.join(", "))?;
        writeln!(f, "  inheritance   {}", self.inheritance)?;
        if self.unpinnable {
            writeln!(f, "  I/O           cannot hold its pages")?;
        }
        match (self.task, self.address) {
            (Some(task), Some(address)) => {
                writeln!(f, "  mapped        at {address:#x} in {task}")?
            }
            _ if self.in_kernel => writeln!(f, "  mapped        in the kernel")?,
            _ => writeln!(f, "  mapped        by no process that can be named here")?,
        }
        writeln!(f, "  generation    {}", self.generation)?;
        writeln!(f, "  redirects     {}", self.redirects)?;
        writeln!(f, "  faults        {}", self.faults)?;
        writeln!(f, "  waiting       {} now, {} ever", self.waiters, self.waits)?;
        writeln!(f, "  longest wait  {} ns", self.longest_wait_ns)
    }
}
