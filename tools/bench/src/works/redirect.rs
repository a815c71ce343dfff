// SPDX-License-Identifier: MIT OR Apache-2.0

//! Other memory at the same addresses.

use anyhow::Result;
use rustix::mm::{Advice, MremapFlags, mremap_fixed};

use super::Work;
use crate::contest::{Contest, timed};
use crate::region::Region;
use crate::rivals::memfd;
use crate::world::World;

pub const WORKS: &[Work] = &[written, small];

/// Other memory behind a map that was touched, all of which is then written to.
fn written(world: &World) -> Result<Contest<'_>> {
    let pages = world.pages;
    let mut buffers = [world.buffer(pages)?, world.buffer(pages)?];
    let map = buffers[0].map().unique(true).create()?;
    let region = Region::of(&map, pages)?;
    let floor = match world.floor(0, 512)? {
        Some(floor) => {
            let region = Region::of(&floor, pages)?;
            Some(move || {
                timed(|| {
                    floor.switch()?;
                    region.write(1);
                    Ok(())
                })
            })
        }
        None => None,
    };

    Ok(Contest::new("redirect of a touched map, then write all", "page", pages)
        .floor(floor)
        .iomd(move || {
            buffers.swap(0, 1);
            timed(|| {
                map.redirect(&buffers[0]).run()?;
                region.write(1);
                Ok(())
            })
        })
        .rival("mmap(MAP_FIXED) of another memfd", Some(0.28), || {
            let mut files = [memfd::full(pages)?, memfd::full(pages)?];
            let region = Region::of(&files[0], pages)?;
            Ok(move || {
                files.swap(0, 1);
                timed(|| {
                    region.show(&files[0])?;
                    region.write(1);
                    Ok(())
                })
            })
        })
        .rival("the same, MADV_POPULATE_WRITE", None, || {
            let mut files = [memfd::full(pages)?, memfd::full(pages)?];
            let region = Region::of(&files[0], pages)?;
            Ok(move || {
                files.swap(0, 1);
                timed(|| {
                    region.show(&files[0])?;
                    region.advise(Advice::LinuxPopulateWrite)
                })
            })
        })
        .rival("mremap of a memfd populated beside it", None, || {
            let mut files = [memfd::full(pages)?, memfd::full(pages)?];
            let region = Region::of(&files[0], pages)?;
            region.write(1);
            Ok(move || {
                files.swap(0, 1);
                timed(|| {
                    let beside = Region::of(&files[0], pages)?;
                    beside.advise(Advice::LinuxPopulateWrite)?;
                    // SAFETY: both are regions of this program, and nothing borrows from them.
                    unsafe {
                        mremap_fixed(
                            beside.address(),
                            beside.length(),
                            region.length(),
                            MremapFlags::MAYMOVE,
                            region.address(),
                        )?
                    };
                    region.write(1);
                    Ok(())
                })
            })
        }))
}

/// How many times something small is done in a round.
const OFTEN: usize = 1000;

/// Other memory behind a map of one page, which is then written to.
fn small(world: &World) -> Result<Contest<'_>> {
    let buffers = [world.buffer(1)?, world.buffer(1)?];
    let map = buffers[0].map().unique(true).create()?;
    let region = Region::of(&map, 1)?;

    Ok(Contest::new("redirect of a map of one page, then write it", "redirect", OFTEN)
        .floor(match world.floor(0, 1)? {
            Some(floor) => {
                let region = Region::of(&floor, 1)?;
                Some(move || {
                    timed(|| {
                        for _ in 0..OFTEN {
                            floor.switch()?;
                            region.write_page(0, 1);
                        }
                        Ok(())
                    })
                })
            }
            None => None,
        })
        .iomd(move || {
            timed(|| {
                for time in 0..OFTEN {
                    map.redirect(&buffers[(time + 1) % 2]).run()?;
                    region.write_page(0, 1);
                }
                Ok(())
            })
        })
        .rival("mmap(MAP_FIXED) of another memfd", None, || {
            let files = [memfd::full(1)?, memfd::full(1)?];
            let region = Region::of(&files[0], 1)?;
            Ok(move || {
                timed(|| {
                    for time in 0..OFTEN {
                        region.show(&files[(time + 1) % 2])?;
                        region.write_page(0, 1);
                    }
                    Ok(())
                })
            })
        }))
}
