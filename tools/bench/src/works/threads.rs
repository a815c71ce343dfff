// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses of two threads at once.

use std::os::fd::AsFd;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::Work;
use crate::contest::Contest;
use crate::region::Region;
use crate::rivals::memfd;
use crate::world::World;

pub const WORKS: &[Work] = &[faults];

/// Accesses are so far apart.
const APART: usize = 16;

/// Threads that touch pages of one map, each its own.
fn faults(world: &World) -> Result<Contest<'_>> {
    let map = |pages| -> Result<_> {
        let map = world.map(pages)?;
        let region = Region::of(&map, pages)?;
        Ok(move |threads| {
            map.suspend()?;
            map.resume()?;
            touch(&region, threads, pages)
        })
    };
    let of = |file: &dyn AsFd, threads| {
        // A new mapping each time: its page tables are empty.
        touch(&Region::of(file.as_fd(), world.pages)?, threads, world.pages)
    };
    let two = || -> Result<()> {
        ensure!(thread::available_parallelism()?.get() > 1, "there is one processor");
        Ok(())
    };
    let (one, both) = (map(world.pages)?, map(world.pages)?);

    Ok(Contest::new("touch of one page each by threads in one map", "page", world.pages / APART)
        .iomd(move || one(1))
        .rival("iomd, two threads", None, || {
            two()?;
            Ok(move || both(2))
        })
        .rival("memfd", None, || {
            let file = memfd::full(world.pages)?;
            Ok(move || of(&file, 1))
        })
        .rival("memfd, two threads", None, || {
            two()?;
            let file = memfd::full(world.pages)?;
            Ok(move || of(&file, 2))
        }))
}

/// So many threads touch the pages between them.
fn touch(region: &Region, threads: usize, pages: usize) -> Result<Duration> {
    let barrier = &Barrier::new(threads);
    // Each with a clock of its own: who wakes up others does not know when they begin.
    let times = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    barrier.wait();
                    let start = Instant::now();
                    for page in (0..pages).step_by(APART).skip(thread).step_by(threads) {
                        region.write_page(page, 1);
                    }
                    (start, Instant::now())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Result<Vec<_>, _>>()
    });
    let times = times.map_err(|_| anyhow!("a thread panicked"))?;
    let first = times.iter().map(|(start, _)| *start).min();
    let last = times.iter().map(|(_, end)| *end).max();
    Ok(last.zip(first).map(|(last, first)| last - first).unwrap_or_default())
}
