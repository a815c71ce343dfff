// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory in pieces of 2 MiB, each of which one page-table entry shows.

use anyhow::Result;
use iomd::{BufferFlags, Descriptor, Map};

use super::{Work, suspend};
use crate::contest::{Contest, timed};
use crate::floor::{Floor, LARGE};
use crate::region::Region;
use crate::rivals::userfaultfd::Mode;
use crate::world::{World, bytes};

pub const WORKS: &[Work] = &[touched, redirected, suspended];

/// More than elsewhere, so that what a call takes anyway is little of it. The floor's memory is as large:
/// `qemu/bench.sh`.
fn pages(world: &World) -> usize {
    world.pages * 4
}

/// The floor, and where it is mapped.
fn floor(world: &World) -> Result<Option<(Floor, Region)>> {
    let Some(floor) = world.floor(LARGE, 1)? else { return Ok(None) };
    let region = Region::of(&floor, pages(world))?;
    region.write(1);
    Ok(Some((floor, region)))
}

/// Memory in pieces, or in pages as elsewhere.
#[derive(Clone, Copy)]
enum Layout {
    Pieces,
    Pages,
}

fn buffer(world: &World, layout: Layout) -> Result<Descriptor> {
    let flags = match layout {
        Layout::Pieces => BufferFlags::LARGE,
        Layout::Pages => BufferFlags::empty(),
    };
    Ok(world.client.buffer_with(bytes(pages(world)), flags)?)
}

/// A map of it, and where it is mapped.
fn map(world: &World, buffer: &Descriptor) -> Result<(Map, Region)> {
    let map = buffer.map().unique(true).create()?;
    let region = Region::of(&map, pages(world))?;
    region.write(1);
    Ok((map, region))
}

fn touched(world: &World) -> Result<Contest<'_>> {
    let touch = |layout| -> Result<_> {
        let (map, region) = map(world, &buffer(world, layout)?)?;
        Ok(move || {
            map.suspend()?;
            map.resume()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        })
    };

    let floor = floor(world)?.map(|(floor, region)| {
        move || {
            floor.switch()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        }
    });

    Ok(Contest::new("touch of all pages in a row, 2 MiB entries", "page", pages(world))
        .floor(floor)
        .iomd(touch(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", Some(0.03), || touch(Layout::Pages)))
}

fn redirected(world: &World) -> Result<Contest<'_>> {
    let redirect = |layout| -> Result<_> {
        let buffers = [buffer(world, layout)?, buffer(world, layout)?];
        let (map, region) = map(world, &buffers[0])?;
        let mut time = 0;
        Ok(move || {
            region.write(1);
            time += 1;
            timed(|| {
                map.redirect(&buffers[time % 2]).run()?;
                Ok(())
            })
        })
    };

    let floor = floor(world)?.map(|(floor, region)| {
        move || {
            region.write(1);
            timed(|| floor.switch())
        }
    });

    Ok(Contest::new("redirect of a touched map, 2 MiB entries", "page", pages(world))
        .floor(floor)
        .iomd(redirect(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", Some(0.003), || redirect(Layout::Pages)))
}

fn suspended(world: &World) -> Result<Contest<'_>> {
    let suspended = |layout| -> Result<_> {
        let (map, region) = map(world, &buffer(world, layout)?)?;
        Ok(suspend::map_touched(map, region))
    };

    let floor = floor(world)?.map(|(floor, region)| suspend::floor_touched(floor, region));

    Ok(Contest::new("suspend a touched map, 2 MiB entries", "page", pages(world))
        .floor(floor)
        .iomd(suspended(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", None, || suspended(Layout::Pages))
        .rival("userfaultfd, UFFDIO_WRITEPROTECT", Some(0.003), || {
            suspend::memfd_touched(pages(world), Mode::WriteProtect)
        }))
}
