// SPDX-License-Identifier: MIT OR Apache-2.0

//! Other memory for many processes.

use anyhow::Result;
use iomd::Inheritance;

use super::Work;
use crate::contest::{Contest, timed};
use crate::region::Region;
use crate::rivals::memfd;
use crate::rivals::process::Process;
use crate::world::World;

pub const WORKS: &[Work] = &[seen];

const PROCESSES: usize = 16;
const PAGES: usize = 16;

/// A map of 16 pages that each of the processes has touched shows other memory in all of them.
fn seen(world: &World) -> Result<Contest<'_>> {
    let buffers = [world.buffer(PAGES)?, world.buffer(PAGES)?];
    let map = buffers[0].map().unique(true).inheritance(Inheritance::Share).create()?;
    let processes = {
        let region = Region::of(&map, PAGES)?;
        start(|| {
            region.write(1);
            Ok(())
        })?
    };
    let mut time = 0;

    Ok(Contest::new("redirect seen by 16 processes", "redirect", 1)
        .iomd(move || {
            time += 1;
            all(&processes)?;
            timed(|| {
                map.redirect(&buffers[time % 2]).run()?;
                Ok(())
            })
        })
        .rival("mmap(MAP_FIXED) of another memfd, in each", Some(0.5), || {
            let files = [memfd::full(PAGES)?, memfd::full(PAGES)?];
            let region = Region::of(&files[0], PAGES)?;
            let mut time = 0;
            let processes = start(|| {
                time += 1;
                if time % 2 == 1 {
                    region.write(1);
                    return Ok(());
                }
                region.show(&files[time / 2 % 2])
            })?;
            Ok(move || {
                let took = timed(|| all(&processes))?;
                all(&processes)?;
                Ok(took)
            })
        }))
}

fn start(mut work: impl FnMut() -> Result<()>) -> Result<Vec<Process>> {
    (0..PROCESSES).map(|_| Process::new(&mut work)).collect()
}

/// All of them do it.
fn all(processes: &[Process]) -> Result<()> {
    processes.iter().try_for_each(Process::order)?;
    processes.iter().try_for_each(Process::wait)
}
