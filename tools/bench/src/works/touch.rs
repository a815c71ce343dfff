// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses to memory that is there, but in no page table yet.

use anyhow::{Context, Result};
use rustix::mm::Advice;

use super::Work;
use crate::contest::{Contest, timed};
use crate::region::Region;
use crate::rivals::{memfd, udmabuf};
use crate::world::World;

/// Accesses that are not in a row are so far apart.
pub(super) const APART: usize = 16;

pub const WORKS: &[Work] = &[isolated, sequential];

fn isolated(world: &World) -> Result<Contest<'_>> {
    let pages = world.pages;
    let map = world.map(pages)?;
    let region = Region::of(&map, pages)?;
    let floor = match world.floor(0, 1)? {
        Some(floor) => {
            let region = Region::of(&floor, pages)?;
            Some(move || {
                floor.switch()?;
                timed(|| {
                    region.write_every(APART, 1);
                    Ok(())
                })
            })
        }
        None => None,
    };

    Ok(Contest::new("touch of one page, write", "page", pages / APART)
        .floor(floor)
        .iomd(move || {
            map.suspend()?;
            map.resume()?;
            timed(|| {
                region.write_every(APART, 1);
                Ok(())
            })
        })
        .rival("memfd", Some(0.82), || {
            let region = Region::of(memfd::full(pages)?, pages)?;
            Ok(move || {
                region.advise(Advice::LinuxDontNeed)?;
                timed(|| {
                    region.write_every(APART, 1);
                    Ok(())
                })
            })
        })
        .rival("anonymous memory, zeroed for it", None, || {
            let region = Region::anonymous(pages)?;
            region.advise(Advice::LinuxNoHugepage)?;
            Ok(move || {
                region.advise(Advice::LinuxDontNeed)?;
                timed(|| {
                    region.write_every(APART, 1);
                    Ok(())
                })
            })
        }))
}

fn sequential(world: &World) -> Result<Contest<'_>> {
    let pages = world.pages;
    let map = world.map(pages)?;
    let region = Region::of(&map, pages)?;
    let floor = |number, window| -> Result<_> {
        let Some(floor) = world.floor(number, window)? else { return Ok(None) };
        let region = Region::of(&floor, pages)?;
        Ok(Some(move || {
            floor.switch()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        }))
    };

    Ok(Contest::new("touch of all pages in a row", "page", pages)
        .floor(floor(0, 512)?)
        .iomd(move || {
            map.suspend()?;
            map.resume()?;
            timed(|| {
                region.write(1);
                Ok(())
            })
        })
        .rival("floor, 16 pages at a time", None, || {
            floor(1, 16)?.context("its module is not loaded")
        })
        .rival("memfd, read with fault-around", Some(0.6), || {
            let region = Region::of(memfd::full(pages)?, pages)?;
            Ok(move || {
                region.advise(Advice::LinuxDontNeed)?;
                timed(|| {
                    region.read();
                    Ok(())
                })
            })
        })
        .rival("memfd, MADV_POPULATE_WRITE", Some(0.14), || {
            let region = Region::of(memfd::full(pages)?, pages)?;
            Ok(move || {
                region.advise(Advice::LinuxDontNeed)?;
                timed(|| region.advise(Advice::LinuxPopulateWrite))
            })
        })
        .rival("udmabuf", None, || {
            let buffer = udmabuf::full(pages)?;
            Ok(move || {
                let region = Region::of(&buffer, pages)?;
                timed(|| {
                    region.write(1);
                    Ok(())
                })
            })
        })
        .rival("anonymous memory, zeroed for it", None, || {
            let region = Region::anonymous(pages)?;
            region.advise(Advice::LinuxNoHugepage)?;
            Ok(move || {
                region.advise(Advice::LinuxDontNeed)?;
                timed(|| {
                    region.write(1);
                    Ok(())
                })
            })
        }))
}
