// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is measured on.

use anyhow::{Result, ensure};
use iomd::{Client, Descriptor, Map};

use crate::floor::Floor;
use crate::region::Region;

/// What is measured on, and how often.
pub struct World {
    /// Of iomd.
    pub client: Client,
    /// How many pages large works are about.
    pub pages: usize,
    /// How many times each contestant does a work. What is reported is the median.
    pub rounds: usize,
}

impl World {
    /// Checks what was asked for.
    pub fn new(client: Client, pages: usize, rounds: usize) -> Result<Self> {
        ensure!(rounds > 0, "nothing is measured in no rounds");
        ensure!(
            pages >= 512 && pages.is_power_of_two(),
            "a power of two from 512 pages on is needed"
        );
        Ok(Self { client, pages, rounds })
    }

    /// A buffer of so many pages, which have been written to.
    pub(crate) fn buffer(&self, pages: usize) -> Result<Descriptor> {
        let buffer = self.client.buffer(bytes(pages))?;
        let map = buffer.map().create()?;
        Region::of(&map, pages)?.write(1);
        Ok(buffer)
    }

    /// A map of a buffer of so many pages, which may be redirected.
    pub(crate) fn map(&self, pages: usize) -> Result<Map> {
        Ok(self.buffer(pages)?.map().unique(true).create()?)
    }

    /// The floor module's object with this number, if the module is there.
    pub(crate) fn floor(&self, number: usize, window: usize) -> Result<Option<Floor>> {
        Floor::open(number, window)
    }

    /// The same, inserting frame numbers.
    pub(crate) fn floor_of_frames(&self, window: usize) -> Result<Option<Floor>> {
        let floor = Floor::open(0, window)?;
        if let Some(floor) = &floor {
            floor.insert_frames(window)?;
        }
        Ok(floor)
    }
}

/// How many bytes so many pages are.
pub(crate) fn bytes(pages: usize) -> u64 {
    (pages * crate::region::PAGE) as u64
}
