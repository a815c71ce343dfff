// SPDX-License-Identifier: MIT OR Apache-2.0

//! What grows with memory and objects, and what does not.

use std::time::Duration;

use anyhow::Result;
use iomd::Map;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::Work;
use crate::contest::{Contest, timed};
use crate::region::{PAGE, Region};
use crate::world::World;

pub const WORKS: &[Work] = &[untouched, many];

const OFTEN: usize = 100;

fn suspend_and_resume(map: &Map) -> Result<Duration> {
    timed(|| {
        for _ in 0..OFTEN {
            map.suspend()?;
            map.resume()?;
        }
        Ok(())
    })
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
                let _keep = &region;
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
        .iomd(move || suspend_and_resume(&large))
        .rival("a map of one page", None, || Ok(move || suspend_and_resume(&small))))
}

/// One map of many.
fn many(world: &World) -> Result<Contest<'_>> {
    const MOST: u64 = 10_000;
    setrlimit(Resource::Nofile, Rlimit { current: Some(MOST * 2), maximum: Some(MOST * 2) })?;
    let among = |count| {
        move || {
            let buffer = world.client.buffer(PAGE as u64)?;
            let others = (1..count).map(|_| {
                let buffer = world.client.sparse_buffer(PAGE as u64)?;
                buffer.map().unique(true).create()
            });
            let _others = others.collect::<iomd::Result<Vec<_>>>()?;
            suspend_and_resume(&buffer.map().unique(true).create()?)
        }
    };

    Ok(Contest::new("suspend and resume the only map", "time", OFTEN)
        .iomd(among(1))
        .rival("one of 100 maps", None, || Ok(among(100)))
        .rival("one of 10,000 maps", None, || Ok(among(MOST))))
}
