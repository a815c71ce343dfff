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

/// More than elsewhere, so that what a call takes anyway is little of it.
fn pages(world: &World) -> usize {
    world.pages * 4
}

/// Of a redirect: 1 GiB, if nothing else was asked for. The floor's memory is as large: `qemu/bench.sh`.
fn redirected_pages(world: &World) -> usize {
    world.pages * 16
}

/// The floor, and where so many pages of it are mapped.
fn floor(world: &World, pages: usize) -> Result<Option<(Floor, Region)>> {
    let Some(floor) = world.floor(LARGE, 1)? else { return Ok(None) };
    let region = Region::of(&floor, pages)?;
    region.write(1);
    Ok(Some((floor, region)))
}

/// Memory in pieces, or in pages as elsewhere.
#[derive(Clone, Copy)]
enum Layout {
    Pieces,
    Pages,
}

fn buffer(world: &World, layout: Layout, pages: usize) -> Result<Descriptor> {
    let flags = match layout {
        Layout::Pieces => BufferFlags::LARGE,
        Layout::Pages => BufferFlags::empty(),
    };
    Ok(world.client.buffer_with(bytes(pages), flags)?)
}

/// A map of its so many pages, and where it is mapped.
fn map(buffer: &Descriptor, pages: usize) -> Result<(Map, Region)> {
    let map = buffer.map().unique(true).create()?;
    let region = Region::of(&map, pages)?;
    region.write(1);
    Ok((map, region))
}

fn touched(world: &World) -> Result<Contest<'_>> {
    let pages = pages(world);
    let touch = |layout| -> Result<_> {
        let (map, region) = map(&buffer(world, layout, pages)?, pages)?;
        Ok(move || {
            map.suspend()?;
            map.resume()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        })
    };

    let floor = floor(world, pages)?.map(|(floor, region)| {
        move || {
            floor.switch()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        }
    });

    Ok(Contest::new("touch of all pages in a row, 2 MiB entries", "page", pages)
        .floor(floor)
        .iomd(touch(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", Some(0.03), || touch(Layout::Pages)))
}

fn redirected(world: &World) -> Result<Contest<'_>> {
    let pages = redirected_pages(world);
    let redirect = |layout| -> Result<_> {
        let buffers = [buffer(world, layout, pages)?, buffer(world, layout, pages)?];
        let (map, region) = map(&buffers[0], pages)?;
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

    let floor = floor(world, pages)?.map(|(floor, region)| {
        move || {
            region.write(1);
            timed(|| floor.switch())
        }
    });

    Ok(Contest::new("redirect of a touched map, 2 MiB entries", "page", pages)
        .floor(floor)
        .iomd(redirect(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", Some(0.003), || redirect(Layout::Pages)))
}

fn suspended(world: &World) -> Result<Contest<'_>> {
    let pages = pages(world);
    let suspended = |layout| -> Result<_> {
        let (map, region) = map(&buffer(world, layout, pages)?, pages)?;
        Ok(suspend::map_touched(map, region))
    };

    let floor = floor(world, pages)?.map(|(floor, region)| suspend::floor_touched(floor, region));

    Ok(Contest::new("suspend a touched map, 2 MiB entries", "page", pages)
        .floor(floor)
        .iomd(suspended(Layout::Pieces)?)
        .rival("iomd, 4 KiB entries", None, || suspended(Layout::Pages))
        .rival("userfaultfd, UFFDIO_WRITEPROTECT", Some(0.003), || {
            suspend::memfd_touched(pages, Mode::WriteProtect)
        }))
}
