// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several maps are redirected as one, or none of them is.

mod held;
mod list;
mod memory;
mod order;
mod others;
mod refusals;
mod states;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use iomd::{Batch, Client, Descriptor, Errno, Map, MapInfo, Mapping};
use iomd_sys as sys;

use crate::support::{
    Child, LIMIT, User, buffer, client, painted, raw, run_on, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Maps of a page each, what they show, and what they are to show.
struct Maps<const COUNT: usize> {
    maps: [Map; COUNT],
    old: [Descriptor; COUNT],
    new: [Descriptor; COUNT],
}

impl<const COUNT: usize> Maps<COUNT> {
    /// Map n shows [`OLD`] + n, and is to show [`NEW`] + n.
    fn new() -> Self {
        let old = std::array::from_fn(|number| painted(1, OLD + number as u64));
        let new = std::array::from_fn(|number| painted(1, NEW + number as u64));
        let maps = std::array::from_fn(|number| unique_shared(&old[number]));
        Self { maps, old, new }
    }

    fn batch<'a>(&'a self, client: &'a Client) -> Batch<'a> {
        self.maps
            .iter()
            .zip(&self.new)
            .fold(client.batch(), |batch, (map, new)| batch.redirect(map, new))
    }

    fn entries(&self) -> Vec<sys::iomd_batch_entry> {
        self.maps.iter().zip(&self.new).map(|(map, new)| entry(map, new)).collect()
    }

    fn info(&self) -> [MapInfo; COUNT] {
        self.maps.each_ref().map(info)
    }

    fn users(&self) -> [User; COUNT] {
        self.maps.each_ref().map(User::of)
    }

    /// Asserts what is seen through the maps.
    #[track_caller]
    fn assert_show(&self, tag: u64) {
        for (number, map) in (0..).zip(&self.maps) {
            let shown = map.mmap().expect("the map is mapped").load_u64(0);
            assert_eq!(shown, tag + number, "map {number}");
        }
    }
}

fn info(map: &Map) -> MapInfo {
    map.info().expect("a map tells about itself")
}

fn entry(map: impl AsFd, descriptor: impl AsFd) -> sys::iomd_batch_entry {
    let (map, descriptor) = (map.as_fd().as_raw_fd(), descriptor.as_fd().as_raw_fd());
    sys::iomd_batch_entry { map, descriptor, offset: 0 }
}

/// A batch as the kernel takes it.
fn argument(entries: &[sys::iomd_batch_entry]) -> sys::iomd_redirect_batch {
    sys::iomd_redirect_batch {
        size: raw::size::<sys::iomd_redirect_batch>(),
        entries: entries.as_ptr().expose_provenance() as u64,
        count: entries.len() as u32,
        pinned: u64::MAX,
        ..Default::default()
    }
}

#[track_caller]
fn refused(argument: sys::iomd_redirect_batch) -> Errno {
    raw::refused(client(), sys::IOMD_REDIRECT_BATCH, argument)
}

/// Looks until it has happened. Who is to make it happen has a processor of its own, but maybe not
/// one of the host's.
fn spin(what: &str, happened: impl Fn() -> bool) {
    let start = Instant::now();
    for look in 0_u64.. {
        if happened() {
            return;
        }
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        if look > 1000 {
            thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Two maps, A and B, each of which goes back and forth between two memories.
struct Arena {
    maps: [Map; 2],
    memories: [[Descriptor; 2]; 2],
    windows: [[Mapping; 2]; 2],
    /// What the other process has seen, or written.
    progress: Mapping,
}

const A: usize = 0;
const B: usize = 1;

impl Arena {
    fn new() -> Self {
        let memories = [[buffer(1), buffer(1)], [buffer(1), buffer(1)]];
        let windows = memories.each_ref().map(|pair| pair.each_ref().map(window));
        let maps = memories.each_ref().map(|pair| unique_shared(&pair[0]));
        let progress = buffer(1);
        let progress = progress.map().keep(true).inheritance(iomd::Inheritance::Share);
        let progress = progress.create().unwrap().mmap().unwrap();
        Self { maps, memories, windows, progress }
    }

    /// A process that does something with both maps for ever, on a processor of its own, unless it
    /// finds something wrong: then it says what.
    fn process(&self, work: impl Fn([Mapping; 2]) -> u64) -> Child {
        let child = Child::fork(|parent| {
            run_on(1);
            let mappings = self.maps.each_ref().map(|map| map.mmap().unwrap());
            parent.say(0);
            parent.say(work(mappings));
        });
        assert_eq!(child.hear(), 0);
        run_on(0);
        child
    }

    /// Redirects both maps, as one, to their memories of that number.
    fn redirect(&self, client: &Client, number: usize) {
        let [a, b] = &self.memories;
        let batch = client.batch().redirect(&self.maps[A], &a[number]);
        batch.redirect(&self.maps[B], &b[number]).run().unwrap();
    }

    /// The same, one after the other.
    fn redirect_singly(&self, number: usize) {
        for map in [A, B] {
            self.maps[map].redirect(&self.memories[map][number]).run().unwrap();
        }
    }

    /// A process that reads A, B and A for ever. Both hold a number that rises with each redirect:
    /// what is read must never fall.
    fn reader(&self) -> Child {
        self.process(|[a, b]| {
            loop {
                let seen = [&a, &b, &a].map(|map| map.load_u64_ordered(0, SeqCst));
                if !seen.is_sorted() {
                    return seen[0];
                }
                self.progress.store_u64_ordered(0, seen[2], SeqCst);
            }
        })
    }

    /// Numbers the memory that the maps do not show.
    fn number(&self, number: u64) -> usize {
        let next = number as usize % 2;
        for map in [A, B] {
            self.windows[map][next].store_u64_ordered(0, number, SeqCst);
        }
        next
    }

    fn progress(&self) -> u64 {
        self.progress.load_u64_ordered(0, SeqCst)
    }
}
