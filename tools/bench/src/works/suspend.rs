// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses that wait, and those that nothing holds up any more.

use std::time::Duration;

use anyhow::Result;
use iomd::Map;
use rustix::mm::Advice;

use super::Work;
use crate::contest::{Contest, timed};
use crate::floor::Floor;
use crate::region::{PAGE, Region};
use crate::rivals::memfd;
use crate::rivals::userfaultfd::{Mode, Userfaultfd};
use crate::world::World;

/// How many times something small is done in a round.
const OFTEN: usize = 1000;

pub const WORKS: &[Work] = &[touched, and_resume, untouched];

/// Suspends a map that was touched.
pub(super) fn map_touched(map: Map, region: Region) -> impl FnMut() -> Result<Duration> {
    move || {
        region.write(1);
        let time = timed(|| {
            map.suspend()?;
            Ok(())
        })?;
        map.resume()?;
        Ok(time)
    }
}

/// Suspends a floor that was touched.
pub(super) fn floor_touched(floor: Floor, region: Region) -> impl FnMut() -> Result<Duration> {
    move || {
        region.write(1);
        let time = timed(|| floor.suspend())?;
        floor.resume()?;
        Ok(time)
    }
}

/// Protects as many pages of a memfd, which were touched, by a userfaultfd.
pub(super) fn memfd_touched(pages: usize, mode: Mode) -> Result<impl FnMut() -> Result<Duration>> {
    let region = Region::of(memfd::full(pages)?, pages)?;
    let userfaultfd = Userfaultfd::of(&region, mode)?;

    Ok(move || {
        userfaultfd.protect(&region, false)?;
        region.write(1);
        timed(|| userfaultfd.protect(&region, true))
    })
}

/// A map that was touched is suspended.
fn touched(world: &World) -> Result<Contest<'_>> {
    let pages = world.pages;
    let map = world.map(pages)?;
    let region = Region::of(&map, pages)?;
    Ok(Contest::new("suspend a touched map", "page", pages)
        .floor(match world.floor(0, 512)? {
            Some(floor) => {
                let region = Region::of(&floor, pages)?;
                Some(floor_touched(floor, region))
            }
            None => None,
        })
        .iomd(map_touched(map, region))
        .rival("userfaultfd, UFFDIO_WRITEPROTECT", Some(1.4), || {
            memfd_touched(pages, Mode::WriteProtect)
        })
        .rival("userfaultfd, UFFDIO_RWPROTECT", None, || {
            memfd_touched(pages, Mode::ReadWriteProtect)
        })
        .rival("memfd, MADV_DONTNEED", None, || {
            let region = Region::of(memfd::full(pages)?, pages)?;
            Ok(move || {
                region.write(1);
                timed(|| region.advise(Advice::LinuxDontNeed))
            })
        }))
}

/// A map of one page is suspended and resumed, then touched.
fn and_resume(world: &World) -> Result<Contest<'_>> {
    let map = world.map(1)?;
    let region = Region::of(&map, 1)?;

    Ok(Contest::new("suspend, resume and access, nobody waiting", "time", OFTEN)
        .floor(match world.floor(0, 1)? {
            Some(floor) => {
                let region = Region::of(&floor, 1)?;
                Some(move || {
                    timed(|| {
                        for _ in 0..OFTEN {
                            floor.suspend()?;
                            floor.resume()?;
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
                for _ in 0..OFTEN {
                    map.suspend()?;
                    map.resume()?;
                    region.write_page(0, 1);
                }
                Ok(())
            })
        })
        .rival("userfaultfd, UFFDIO_WRITEPROTECT", None, || {
            let region = Region::of(memfd::full(1)?, 1)?;
            region.write_page(0, 1);
            let userfaultfd = Userfaultfd::of(&region, Mode::WriteProtect)?;
            Ok(move || {
                timed(|| {
                    for _ in 0..OFTEN {
                        userfaultfd.protect(&region, true)?;
                        userfaultfd.protect(&region, false)?;
                        region.write_page(0, 1);
                    }
                    Ok(())
                })
            })
        }))
}

/// Memory that nobody has touched.
fn untouched(world: &World) -> Result<Contest<'_>> {
    let map = |length| -> Result<Map> {
        let map = world.client.sparse_buffer(length)?.map().unique(true).create()?;
        map.mmap()?.leak();
        Ok(map)
    };
    let (large, small) = (map(1 << 40)?, map(PAGE as u64)?);
    let floor = match world.floor(0, 1)? {
        Some(floor) => {
            let region = Region::of(&floor, 1)?;
            Some(move || {
                let _mapped = &region;
                timed(|| {
                    for _ in 0..OFTEN {
                        floor.suspend()?;
                        floor.resume()?;
                    }
                    Ok(())
                })
            })
        }
        None => None,
    };

    Ok(Contest::new("suspend and resume an untouched map of 1 TiB", "time", OFTEN)
        .floor(floor)
        .iomd(move || suspend_and_resume(&large, OFTEN))
        .rival("a map of one page", None, || Ok(move || suspend_and_resume(&small, OFTEN))))
}

/// How long that takes, done so many times.
pub fn suspend_and_resume(map: &Map, times: usize) -> Result<Duration> {
    timed(|| {
        for _ in 0..times {
            map.suspend()?;
            map.resume()?;
        }
        Ok(())
    })
}
