// SPDX-License-Identifier: MIT OR Apache-2.0

//! The memory of a database that another process uses.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use iomd::{Client, Descriptor, Map, Mapping, MmapOptions};

use crate::copy::Copy;
use crate::storage::MappedStorage;

/// How much is read or written at once.
const CHUNK: usize = 1 << 20;

/// The memory of a database that another process uses.
pub struct Source {
    /// The memory. Moving the database changes it.
    pub descriptor: Descriptor,
    /// The map through which the other process uses it.
    pub map: Map,
    view: Arc<Mapping>,
}

impl Source {
    /// The memory behind these file descriptors.
    pub fn new(descriptor: Descriptor, map: Map) -> Result<Self> {
        let view = map.mmap_with(MmapOptions { read_only: true, ..MmapOptions::default() })?;
        Ok(Self { descriptor, map, view: view.into() })
    }

    /// Bytes, from the start, that the database uses.
    pub fn used(&self) -> u64 {
        MappedStorage::new(self.view.clone()).used()
    }

    /// Copies as anyone would: reads the memory from the start to the database's end.
    pub fn copy_plainly(&self, copy: &Copy) {
        let used = self.used() as usize;
        let mut bytes = vec![0; CHUNK];
        for offset in (0..used).step_by(CHUNK) {
            let bytes = &mut bytes[..CHUNK.min(used - offset)];
            self.view.read_bytes(offset, bytes);
            copy.memory.write_bytes(offset, bytes);
        }
    }

    /// Copies through iomd. Tells for how long the memory was suspended.
    pub fn copy_atomically(&self, copy: &Copy) -> Result<Duration> {
        Ok(self.descriptor.copy_to(&copy.descriptor).refuse_pinned(true).run()?.pause)
    }

    /// Moves the database to new memory, while it is in use, and overwrites the old. Tells for how
    /// long the memory was suspended.
    pub fn relocate(&mut self, client: &Client) -> Result<Duration> {
        let target = client.sparse_buffer(self.descriptor.info()?.length)?;
        let copy = self.descriptor.copy_to(&target).refuse_pinned(true).resume_on_target(true);
        let pause = copy.run()?.pause;
        ensure!(self.map.info()?.descriptor_id == target.id()?, "the map was not redirected");

        let used = self.used() as usize;
        let old = mem::replace(&mut self.descriptor, target);
        let map = old.map().length(used as u64).create()?;
        let memory = map.mmap()?;
        for offset in (0..used).step_by(CHUNK) {
            memory.write_bytes(offset, &[0xa5; CHUNK][..CHUNK.min(used - offset)]);
        }
        Ok(pause)
    }
}
