// SPDX-License-Identifier: MIT OR Apache-2.0

//! A round: its processes, and who serves those that wait.

use std::ops::Range;
use std::thread;
use std::time::Instant;

use iomd::{Descriptor, Errno, Inheritance, Map};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use super::history::{Change, History, Outcome};
use super::process::Process;
use super::{Cell, MAP_PAGES, MAPS, MEMORIES, MEMORY_PAGES, MORTAL, PROCESSES};
use crate::support::{Child, LIMIT, PAGE, assert_painted, painted};

/// What the processes of a round share.
pub struct World {
    pub history: History,
    pub memories: [Descriptor; MEMORIES],
    pub maps: [Map; MAPS],
}

/// The pages of a map.
pub const ALL: Range<usize> = 0..MAP_PAGES;

/// Says on a failure how to have it again.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "stress: this failed in a round of seed {0}: make soak N=100 ONLY={0}",
                self.0
            );
        }
    }
}

/// How often something happened in a round.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub redirects: u64,
    pub faults: u64,
    pub waits: u64,
}

pub fn run(history: History, seed: u64) -> Counts {
    let _replay = Replay(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new(history);
    let children: [Child; PROCESSES] = std::array::from_fn(|number| {
        let seed = random.u64(..);
        Child::fork(|parent| Process::new(&world, number, seed).run(parent))
    });
    world.serve(&children, &mut random);
    // Nobody does anything now.
    let mut counts = Counts::default();
    for (number, map) in world.maps.iter().enumerate() {
        world.resume(number);
        let info = map.info().expect("it tells about itself");
        assert_eq!((info.suspended, info.waiters), (false, 0), "{info:?}");
        counts.redirects += info.redirects;
        counts.faults += info.faults;
        counts.waits += info.waits;
    }
    for child in children {
        child.say(0);
        child.succeed();
    }
    for (memory, descriptor) in world.memories.iter().enumerate() {
        assert_painted(descriptor, Cell::paint(memory));
    }
    counts
}

impl World {
    fn new(history: History) -> Self {
        history.clear();
        let memories: [_; MEMORIES] =
            std::array::from_fn(|memory| painted(MEMORY_PAGES, Cell::paint(memory)));
        let maps = std::array::from_fn(|map| {
            let begun = history.begin(map, ALL, Change::Shows(Cell::of(map % MEMORIES, 0)));
            let builder = memories[map % MEMORIES].map().length((MAP_PAGES * PAGE) as u64);
            let map = builder.unique(true).inheritance(Inheritance::Share).create();
            history.end(begun, Outcome::Done);
            map.expect("a map is made")
        });
        Self { history, memories, maps }
    }

    /// Serves accesses that wait until all processes have said that they are done.
    fn serve(&self, children: &[Child], random: &mut fastrand::Rng) {
        let mut working: Vec<_> = children.iter().collect();
        let mut progress = (self.history.latest(), Instant::now());
        while !working.is_empty() {
            let maps = self.maps.iter().enumerate();
            let maps: Vec<_> =
                maps.filter(|(map, _)| !self.history.has_ended(*map, u64::MAX)).collect();
            let mut files: Vec<_> = maps
                .iter()
                .map(|(_, map)| PollFd::new(map, PollFlags::IN))
                .chain(working.iter().map(|child| PollFd::new(child.channel(), PollFlags::IN)))
                .collect();
            let timeout = Timespec::try_from(LIMIT).expect("a short time");
            retry_on_intr(|| poll(&mut files, Some(&timeout))).expect("they can be polled");
            if self.history.latest() != progress.0 {
                progress = (self.history.latest(), Instant::now());
            }
            assert!(
                progress.1.elapsed() < LIMIT,
                "{} processes sleep on after all was resumed: {:?}",
                working.len(),
                self.maps.each_ref().map(Map::info)
            );
            let ready: Vec<_> = files.iter().map(|file| !file.revents().is_empty()).collect();
            let (waited, heard) = ready.split_at(maps.len());
            for (&(number, map), _) in maps.iter().zip(waited).filter(|(_, waited)| **waited) {
                self.let_go(number, map, random);
            }
            let mut heard = heard.iter();
            working.retain(|child| {
                let done = *heard.next().expect("one for each");
                if done {
                    child.hear();
                }
                !done
            });
        }
    }

    /// Somebody waits on a map: it is resumed, or redirected, if it is suspended. Otherwise the
    /// access goes on by itself.
    fn let_go(&self, number: usize, map: &Map, random: &mut fastrand::Rng) {
        if !map.info().expect("it tells about itself").suspended {
            thread::yield_now();
        } else if random.bool() {
            self.resume(number);
        } else {
            self.redirect(number, random);
        }
    }

    fn resume(&self, map: usize) {
        let begun = self.history.begin(map, ALL, Change::Resumes);
        self.maps[map].resume().expect("it is unique");
        self.history.end(begun, Outcome::Done);
    }

    /// Switches a map to other memory, or, now and then, only if nobody holds the old.
    pub fn redirect(&self, map: usize, random: &mut fastrand::Rng) {
        let (memory, first) = Self::place(random);
        let begun = self.history.begin(map, ALL, Change::Shows(Cell::of(memory, first)));
        let refuse_pinned = random.u32(..4) == 0;
        let redirected = self.maps[map]
            .redirect(&self.memories[memory])
            .offset((first * PAGE) as u64)
            .refuse_pinned(refuse_pinned)
            .run();
        let outcome = match redirected {
            Ok(_) => Outcome::Done,
            Err(error) if refuse_pinned && error.errno() == Errno::BUSY => Outcome::Refused,
            Err(error) => panic!("{error}"),
        };
        self.history.end(begun, outcome);
    }

    /// Some memory, and a page of it at which a map can begin.
    pub fn place(random: &mut fastrand::Rng) -> (usize, usize) {
        (random.usize(..MEMORIES), random.usize(..=MEMORY_PAGES - MAP_PAGES))
    }

    /// Asserts that an access to a page of a map can have passed that was made then; what it can have
    /// reached.
    pub fn reached(&self, map: usize, page: usize, when: Range<u64>) -> super::Cells {
        assert!(
            self.history.passes(map, page, when.clone()),
            "page {page} of map {map} was suspended from before {} until after {}, and accessed",
            when.start,
            when.end
        );
        assert!(map != MORTAL || !self.history.has_ended(map, when.start), "it had ended");
        self.history.reachable(map, page, when)
    }
}
