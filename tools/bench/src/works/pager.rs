// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is brought when it is touched.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustix::mm::Advice;

use super::Work;
use crate::contest::Contest;
use crate::region::{PAGE, Region};
use crate::rivals::userfaultfd::{Mode, Userfaultfd};
use crate::world::World;

pub const WORKS: &[Work] = &[round_trip];

/// How many times it is done in a round.
const OFTEN: usize = 1000;

/// Two places, one of which is always suspended.
trait Pager: Sync {
    /// Accesses to this place wait from now on.
    fn suspend(&self, place: usize) -> Result<()>;
    /// Waits until one does.
    fn wait(&self, place: usize) -> Result<()>;
    /// Lets it go on.
    fn resume(&self, place: usize) -> Result<()>;
    /// An access.
    fn touch(&self, place: usize);
}

/// A thread touches the two in turn, each of which is suspended when it comes: so each access wakes the
/// pager, and the next one shows that it is done.
fn round(pager: &impl Pager) -> Result<Duration> {
    pager.suspend(0)?;
    thread::scope(|scope| {
        let toucher = scope.spawn(|| (0..=OFTEN).for_each(|time| pager.touch(time % 2)));
        pager.wait(0)?;
        let start = Instant::now();
        for time in 0..OFTEN {
            let (here, next) = (time % 2, (time + 1) % 2);
            pager.suspend(next)?;
            pager.resume(here)?;
            pager.wait(next)?;
        }
        let took = start.elapsed();
        pager.resume(OFTEN % 2)?;
        toucher.join().map_err(|_| anyhow!("a thread panicked"))?;
        Ok(took)
    })
}

fn round_trip(world: &World) -> Result<Contest<'_>> {
    let iomd = {
        let maps = [world.map(1)?, world.map(1)?];
        let regions = [Region::of(&maps[0], 1)?, Region::of(&maps[1], 1)?];
        Iomd { maps, regions }
    };
    let floor = match (world.floor(0, 1)?, world.floor(1, 1)?) {
        (Some(first), Some(second)) => {
            let regions = [Region::of(&first, 1)?, Region::of(&second, 1)?];
            Some(Floor { floors: [first, second], regions })
        }
        _ => None,
    };

    Ok(Contest::new("suspend, fault, wake the pager, resume, access", "access", OFTEN)
        .floor(floor.map(|floor| move || round(&floor)))
        .iomd(move || round(&iomd))
        .rival("userfaultfd, MADV_DONTNEED and UFFDIO_COPY", Some(0.71), || {
            let region = Region::anonymous(2)?;
            region.advise(Advice::LinuxNoHugepage)?;
            let userfaultfd = Userfaultfd::of(&region, Mode::Missing)?;
            let missing = Missing { region, userfaultfd, memory: Box::new([1; PAGE]) };
            Ok(move || round(&missing))
        }))
}

struct Iomd {
    maps: [iomd::Map; 2],
    regions: [Region; 2],
}

impl Pager for Iomd {
    fn suspend(&self, place: usize) -> Result<()> {
        self.maps[place].suspend()?;
        Ok(())
    }

    fn wait(&self, place: usize) -> Result<()> {
        self.maps[place].waits()?;
        Ok(())
    }

    fn resume(&self, place: usize) -> Result<()> {
        Ok(self.maps[place].resume()?)
    }

    fn touch(&self, place: usize) {
        self.regions[place].write_page(0, 1);
    }
}

struct Floor {
    floors: [crate::floor::Floor; 2],
    regions: [Region; 2],
}

impl Pager for Floor {
    fn suspend(&self, place: usize) -> Result<()> {
        self.floors[place].suspend()
    }

    fn wait(&self, place: usize) -> Result<()> {
        self.floors[place].wait_for_waiter()
    }

    fn resume(&self, place: usize) -> Result<()> {
        self.floors[place].resume()
    }

    fn touch(&self, place: usize) {
        self.regions[place].write_page(0, 1);
    }
}

struct Missing {
    region: Region,
    userfaultfd: Userfaultfd,
    memory: Box<[u8; PAGE]>,
}

impl Pager for Missing {
    fn suspend(&self, place: usize) -> Result<()> {
        self.region.advise_page(place, Advice::LinuxDontNeed)
    }

    fn wait(&self, _: usize) -> Result<()> {
        self.userfaultfd.wait(&self.region)?;
        Ok(())
    }

    fn resume(&self, place: usize) -> Result<()> {
        self.userfaultfd.copy(&self.region, place, &self.memory)
    }

    fn touch(&self, place: usize) {
        self.region.write_page(place, 1);
    }
}
