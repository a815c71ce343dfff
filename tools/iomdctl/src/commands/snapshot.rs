// SPDX-License-Identifier: MIT OR Apache-2.0

//! `snapshot`: copies memory in use to a file.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use iomd::{Access, AnyObject, Client, Descriptor, Map, Mapping};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::arguments::Snapshot;

/// A copy that was taken.
#[derive(Debug, Serialize)]
pub struct Taken {
    id: u64,
    file: PathBuf,
    bytes: u64,
    pinned: u64,
    maps: u64,
    pause_ns: u64,
}

pub fn run(client: &Client, arguments: &Snapshot) -> Result<Taken> {
    // First, so that a file that cannot be written disturbs no one.
    let file = Output::new(&arguments.output)?;
    let source = Source::open(client, arguments.id)?;

    let target = client.sparse_buffer(source.length)?;
    let copied = source
        .descriptor
        .copy_to(&target)
        .range(source.offset, source.length)
        .refuse_pinned(arguments.refuse_pinned)
        .run()?;
    source.verify()?;

    let map = target.map().read_only(true).create()?;
    file.write(&map.mmap()?, source.length)?;
    Ok(Taken {
        id: arguments.id,
        file: arguments.output.clone(),
        bytes: source.length,
        pinned: copied.pinned,
        maps: copied.maps,
        pause_ns: copied.pause.as_nanos() as u64,
    })
}

/// What is copied.
struct Source {
    descriptor: Descriptor,
    offset: u64,
    length: u64,
    map: Option<(Map, Shows)>,
}

/// What a map shows.
#[derive(PartialEq)]
struct Shows {
    descriptor_id: u64,
    offset: u64,
    redirects: u64,
}

impl Shows {
    fn of(map: &Map) -> Result<Self> {
        let info = map.info()?;
        Ok(Self {
            descriptor_id: info.descriptor_id,
            offset: info.offset,
            redirects: info.redirects,
        })
    }
}

impl Source {
    /// All of a descriptor, or what a map shows of one.
    fn open(client: &Client, id: u64) -> Result<Self> {
        match client.open_object(id)? {
            AnyObject::Descriptor(descriptor) => {
                let length = descriptor.info()?.length;
                Ok(Self { descriptor, offset: 0, length, map: None })
            }
            AnyObject::Map(map) => {
                let shows = Shows::of(&map)?;
                Ok(Self {
                    descriptor: client.open_descriptor(shows.descriptor_id, Access::ReadOnly)?,
                    offset: shows.offset,
                    length: map.info()?.length,
                    map: Some((map, shows)),
                })
            }
        }
    }

    /// Whether what was copied is what the map showed then.
    fn verify(&self) -> Result<()> {
        if let Some((map, shows)) = &self.map {
            ensure!(Shows::of(map)? == *shows, "the map was redirected meanwhile; try again");
        }
        Ok(())
    }
}

/// A file that is there when it is whole.
struct Output<'a> {
    temporary: NamedTempFile,
    path: &'a Path,
}

impl<'a> Output<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        // Of a mere name the parent is the empty path.
        let directory = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => anyhow::bail!("{} is not a file", path.display()),
        };
        let temporary = NamedTempFile::new_in(directory)
            .with_context(|| format!("cannot write to {}", directory.display()))?;
        Ok(Self { temporary, path })
    }

    fn write(mut self, memory: &Mapping, length: u64) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        fill(self.temporary.as_file_mut(), memory, length as usize).with_context(failed)?;
        self.temporary.persist(self.path).map_err(|error| error.error).with_context(failed)?;
        Ok(())
    }
}

fn fill(file: &mut File, memory: &Mapping, length: usize) -> io::Result<()> {
    let mut bytes = vec![0; 1 << 20];
    for offset in (0..length).step_by(bytes.len()) {
        let end = bytes.len().min(length - offset);
        let bytes = &mut bytes[..end];
        memory.read_bytes(offset, bytes);
        file.write_all(bytes)?;
    }
    file.sync_all()
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of object {} in {}; ", self.bytes, self.id, self.file.display())?;
        match self.maps {
            0 => write!(f, "no map had to be suspended")?,
            maps => {
                let milliseconds = self.pause_ns as f64 / 1e6;
                write!(f, "maps suspended: {maps}, for {milliseconds:.3} ms")?;
            }
        }
        match self.pinned {
            0 => Ok(()),
            pinned => write!(
                f,
                "\n{pinned} of its pages are held for I/O: what that wrote meanwhile may be in the \
                 copy in part"
            ),
        }
    }
}
