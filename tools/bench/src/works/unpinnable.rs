// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is shown by frame numbers, so that nobody can hold its pages.

use anyhow::Result;
use iomd::Map;

use super::touch::APART;
use super::{Work, suspend};
use crate::contest::{Contest, timed};
use crate::region::Region;
use crate::rivals::userfaultfd::Mode;
use crate::world::World;

pub const WORKS: &[Work] = &[isolated, sequential, suspended];

/// A map of touched memory, and where it is mapped.
fn map(world: &World) -> Result<(Map, Region)> {
    let map = world.buffer(world.pages)?.map().unique(true).unpinnable(true).create()?;
    let region = Region::of(&map, world.pages)?;
    Ok((map, region))
}

fn isolated(world: &World) -> Result<Contest<'_>> {
    touched(world, "touch of one page, write, unpinnable", 1, APART)
}

fn sequential(world: &World) -> Result<Contest<'_>> {
    touched(world, "touch of all pages in a row, unpinnable", 512, 1)
}

/// One of so many pages is touched.
fn touched<'a>(
    world: &'a World,
    name: &'static str,
    window: usize,
    stride: usize,
) -> Result<Contest<'a>> {
    let (map, region) = map(world)?;
    let floor = match world.floor_of_frames(window)? {
        Some(floor) => {
            let region = Region::of(&floor, world.pages)?;
            Some(move || {
                floor.switch()?;
                timed(|| {
                    region.write_every(stride, 1);
                    Ok(())
                })
            })
        }
        None => None,
    };

    Ok(Contest::new(name, "page", world.pages / stride).floor(floor).iomd(move || {
        map.suspend()?;
        map.resume()?;
        timed(|| {
            region.write_every(stride, 1);
            Ok(())
        })
    }))
}

fn suspended(world: &World) -> Result<Contest<'_>> {
    let (map, region) = map(world)?;
    let floor = match world.floor_of_frames(512)? {
        Some(floor) => {
            let region = Region::of(&floor, world.pages)?;
            Some(suspend::floor_touched(floor, region))
        }
        None => None,
    };

    Ok(Contest::new("suspend a touched map, unpinnable", "page", world.pages)
        .floor(floor)
        .iomd(suspend::map_touched(map, region))
        .rival("userfaultfd, UFFDIO_WRITEPROTECT", Some(0.46), || {
            suspend::memfd_touched(world.pages, Mode::WriteProtect)
        }))
}
