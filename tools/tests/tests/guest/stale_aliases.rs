// SPDX-License-Identifier: MIT OR Apache-2.0

//! When redirect has returned, nothing reaches the old memory, whichever alias is written through.
//!
//! A writer writes without pause through an alias of a map, on a processor of its own. The map goes
//! back and forth between two memories. What it has left is filled with poison; when the writer is
//! seen to have written every page since, the poison must still be all there.

use std::cell::Cell;
use std::mem;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use iomd::{Descriptor, Map, Mapping, MmapOptions};
use rustix::process::Signal;

use crate::support::{
    Child, End, PAGE, Region, buffer, run_on, scaled, soon, unique, unique_shared, window,
};

/// How often a map is redirected under each kind of alias: 100,000 times together.
const REDIRECTS: u64 = 100_000 / 8;

const PAGES: usize = 4;
const POISON: u64 = 0xdead_dead_dead_dead;

/// Where an alias has the pages of the map, in any order.
type Alias = [Region; PAGES];

/// A map that goes back and forth between two memories.
struct Arena {
    memories: [Descriptor; 2],
    windows: [Mapping; 2],
    map: Map,
    /// Which of the memories it shows.
    shown: Cell<usize>,
}

impl Arena {
    fn new() -> Self {
        let memories = [buffer(PAGES), buffer(PAGES)];
        let windows = memories.each_ref().map(window);
        let map = unique_shared(&memories[0]);
        Self { memories, windows, map, shown: Cell::new(0) }
    }

    /// Redirects the map so many times under whoever writes. Fails if a write arrives in memory that
    /// the map has left.
    fn redirect(&self, times: u64) -> Result<(), String> {
        run_on(0);
        for time in 0..times {
            let shown = self.shown.get();
            let (old, new) = (&self.windows[shown], &self.windows[1 - shown]);
            self.map.redirect(&self.memories[1 - shown]).run().unwrap();
            self.shown.set(1 - shown);
            fill(old, POISON);
            fill(new, 0);
            soon(&format!("redirect {time}: somebody writes to the new memory"), || {
                let is_written = |page| new.load_u64_ordered(page * PAGE, SeqCst) != 0;
                (0..PAGES).all(is_written) || !is_poison(old)
            });
            if !is_poison(old) {
                return Err(format!("redirect {time}: the old memory is written"));
            }
            // The map comes back to it, and then it is no mistake to see it.
            fill(old, 0);
        }
        Ok(())
    }

    fn mapped(&self) -> Region {
        self.map.mmap().unwrap().into()
    }
}

fn fill(window: &Mapping, value: u64) {
    for page in 0..PAGES {
        window.store_u64_ordered(page * PAGE, value, SeqCst);
    }
}

fn is_poison(window: &Mapping) -> bool {
    (0..PAGES).all(|page| window.load_u64_ordered(page * PAGE, SeqCst) == POISON)
}

/// Writes all pages in turn, for ever; the process ends if it ever reads poison.
fn write_for_ever(alias: Alias) {
    run_on(1);
    for value in 1.. {
        for page in alias {
            page.write(0, value);
            if page.read(0) == POISON {
                eprintln!("a page of the old memory is read");
                std::process::exit(1);
            }
        }
    }
}

/// A process that writes for ever through an alias that it makes.
fn writer(alias: impl FnOnce() -> Alias) -> Child {
    let child = Child::fork(|parent| {
        let alias = alias();
        parent.say(0);
        write_for_ever(alias);
    });
    child.hear();
    child
}

/// Ends a writer, which must not have ended before.
fn dismiss(writer: Child) {
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

/// Every page by itself, in the order of the addresses.
fn pages(region: Region) -> Alias {
    std::array::from_fn(|page| region.pages(page..page + 1))
}

/// The test, with one writer in a process of its own.
fn nothing_is_stale(alias: impl FnOnce(&Arena) -> Alias) {
    let arena = Arena::new();
    let writer = writer(|| alias(&arena));
    arena.redirect(scaled(REDIRECTS)).unwrap();
    dismiss(writer);
}

#[test]
fn through_another_process() {
    // Which has nothing of ours but the file descriptor that it is sent.
    let arena = Arena::new();
    let process = Child::fork(|parent| {
        parent.close_all_others();
        let map: Map = parent.receive();
        let alias = pages(map.mmap().unwrap().into());
        parent.say(0);
        write_for_ever(alias);
    });
    process.send(&arena.map);
    process.hear();
    arena.redirect(scaled(REDIRECTS)).unwrap();
    dismiss(process);
}

#[test]
fn through_a_forked_child() {
    let arena = Arena::new();
    let inherited = arena.map.mmap().unwrap();
    let child = writer(|| pages((&inherited).into()));
    arena.redirect(scaled(REDIRECTS)).unwrap();
    dismiss(child);
}

#[test]
fn through_a_thread() {
    const PARTS: u64 = 10;
    // In a process of their own: what a failure leaves behind ends with it.
    let child = Child::fork(|parent| {
        let arena = Arena::new();
        let alias = pages(arena.mapped());
        thread::spawn(move || write_for_ever(alias));
        for _ in 0..PARTS {
            arena.redirect(scaled(REDIRECTS / PARTS)).unwrap();
            parent.say(0);
        }
        // The thread writes until the process ends, and would not have the map's end before that.
        mem::forget(arena);
    });
    for _ in 0..PARTS {
        child.hear();
    }
    child.succeed();
}

#[test]
fn through_moved_memory() {
    nothing_is_stale(|arena| pages(arena.mapped().moved()));
}

#[test]
fn through_memory_moved_in_part() {
    nothing_is_stale(|arena| {
        let whole = arena.mapped();
        let moved = whole.pages(1..3).moved();
        [whole.pages(0..1), moved.pages(0..1), moved.pages(1..2), whole.pages(3..4)]
    });
}

#[test]
fn through_remapped_file_pages() {
    nothing_is_stale(|arena| {
        let alias = pages(arena.mapped());
        for (page, place) in alias.iter().rev().enumerate() {
            place.show_file_pages(page).unwrap();
        }
        alias
    });
}

#[test]
fn through_several_mappings() {
    nothing_is_stale(|arena| {
        std::array::from_fn(|page| {
            let offset = (page * PAGE) as u64;
            let part = MmapOptions { offset, length: PAGE, ..MmapOptions::default() };
            arena.map.mmap_with(part).unwrap().into()
        })
    });
}

#[test]
fn through_all_of_them_at_once() {
    let arena = Arena::new();
    let inherited = arena.map.mmap().unwrap();
    let writers = [
        writer(|| pages((&inherited).into())),
        writer(|| pages(Region::from(&inherited).moved())),
        writer(|| {
            let region = Region::from(&inherited);
            region.pages(0..2).show_file_pages(2).unwrap();
            region.pages(2..4).show_file_pages(0).unwrap();
            pages(region)
        }),
        writer(|| pages(arena.mapped())),
    ];
    arena.redirect(scaled(REDIRECTS)).unwrap();
    writers.map(dismiss);
}

#[test]
fn or_else_this_test_sees_it() {
    // A writer whose map stays at the memory that the other map leaves and comes back to.
    let arena = Arena::new();
    let stays = unique(&arena.memories[0]);
    let writers = [writer(|| pages(arena.mapped())), {
        let child = Child::fork(|parent| {
            let alias = pages(stays.mmap().unwrap().into());
            parent.say(0);
            loop {
                alias.map(|page| page.write(0, 1));
            }
        });
        child.hear();
        child
    }];
    let seen = arena.redirect(scaled(REDIRECTS));
    assert!(seen.unwrap_err().contains("the old memory is written"));
    drop(writers);
}
