// SPDX-License-Identifier: MIT OR Apache-2.0

//! One process: what it has mapped, and what it does with that.

use std::ops::Range;
use std::os::fd::OwnedFd;

use iomd::{Errno, MmapOptions};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::MprotectFlags;

use super::round::World;
use super::{Cell, Cells, MAP_PAGES, MAPS, MEMORIES, MEMORY_PAGES, MORTAL, STEPS, Words};
use crate::support::uring::Ring;
use crate::support::{Channel, PAGE, Region, window};

/// Pages of a map that are mapped somewhere.
#[derive(Debug, Clone)]
pub struct Part {
    pub map: usize,
    /// Of the map.
    pub pages: Range<usize>,
    pub region: Region,
    pub writable: bool,
}

impl Part {
    pub fn word(&self, page: usize, offset: usize) -> usize {
        (page - self.pages.start) * PAGE + offset
    }
}

/// A word of each page, which one process alone writes, and what it can be.
pub struct Slot {
    pub offset: usize,
    pub words: Words,
}

/// A page that is held for I/O, wherever it is mapped by now.
struct Held {
    ring: Ring,
    cells: Cells,
    /// Where the process's own word of it was when it was taken hold of.
    word: Region,
}

pub struct Process<'a> {
    pub world: &'a World,
    pub random: fastrand::Rng,
    pub parts: Vec<Part>,
    /// What this process writes.
    pub own: Slot,
    /// What its children write, of which there is one at a time.
    pub children: Slot,
    /// A file, as long as a word, that the words to be written by I/O come from.
    file: OwnedFd,
    held: Option<Held>,
    last_word: u64,
}

impl<'a> Process<'a> {
    pub fn new(world: &'a World, number: usize, seed: u64) -> Self {
        let slot = |word: usize| Slot { offset: (8 + word) * 8, words: Words::new() };
        Self {
            world,
            random: fastrand::Rng::with_seed(seed),
            parts: Vec::new(),
            own: slot(2 * number),
            children: slot(2 * number + 1),
            file: memfd_create("words", MemfdFlags::CLOEXEC).expect("a file is made"),
            held: None,
            last_word: (number as u64 + 1) << 32,
        }
    }

    pub fn run(mut self, parent: &Channel) {
        for _ in 0..STEPS {
            self.step();
        }
        self.held = None;
        parent.say(0);
        parent.hear();
        // From here on nobody changes anything.
        for part in self.parts.clone().iter().filter(|part| part.map != MORTAL) {
            part.pages.clone().for_each(|page| self.read(part, page));
        }
        self.compare();
    }

    /// Does something.
    fn step(&mut self) {
        match self.random.u32(..1000) {
            0..40 => self.map(),
            40..60 => self.unmap(),
            60..90 => self.move_away(),
            90..120 => self.protect(),
            120..420 => self.on_a_page(Self::read),
            420..680 => self.on_a_page(Self::write),
            680..700 => self.hold(),
            700..720 => self.input(),
            720..730 => self.held = None,
            730..755 => self.touch_in_child(),
            755..758 => self.write_in_vain(),
            758..850 => self.world.redirect(self.random.usize(..MAPS), &mut self.random),
            850..880 => self.batch(),
            880..930 => self.suspend(),
            930..980 => self.resume(),
            980..990 => self.close_the_owner(),
            990..998 => self.kill_a_controller(),
            _ => self.end_the_mortal(),
        }
    }

    pub fn next_word(&mut self) -> u64 {
        self.last_word += 1;
        self.last_word
    }

    /// Any part, if there is one.
    pub fn any_part(&mut self) -> Option<usize> {
        (!self.parts.is_empty()).then(|| self.random.usize(..self.parts.len()))
    }

    /// Some pages of those.
    pub fn some_of(&mut self, pages: Range<usize>) -> Range<usize> {
        let start = self.random.usize(pages.clone());
        start..self.random.usize(start + 1..=pages.end)
    }

    fn map(&mut self) {
        let map = self.random.usize(..MAPS);
        let pages = self.some_of(0..MAP_PAGES);
        let options = MmapOptions {
            offset: (pages.start * PAGE) as u64,
            length: pages.len() * PAGE,
            ..MmapOptions::default()
        };
        match self.world.maps[map].mmap_with(options) {
            Ok(mapping) => {
                let region = Region::from(mapping);
                self.parts.push(Part { map, pages, region, writable: true });
            }
            Err(error) => {
                assert_eq!(error.errno(), Errno::NODEV);
                let now = self.world.history.now();
                assert!(map == MORTAL && self.world.history.may_have_ended(map, now));
            }
        }
    }

    /// munmap(2) of some pages of a part; what is left of it are up to two others.
    fn unmap(&mut self) {
        let Some(index) = self.any_part() else { return };
        let part = self.parts.swap_remove(index);
        let gone = self.some_of(part.pages.clone());
        let at = |pages: Range<usize>| pages.start - part.pages.start..pages.end - part.pages.start;
        part.region.pages(at(gone.clone())).unmap().expect("it is mapped");
        for pages in [part.pages.start..gone.start, gone.end..part.pages.end] {
            if !pages.is_empty() {
                let region = part.region.pages(at(pages.clone()));
                self.parts.push(Part { pages, region, ..part });
            }
        }
    }

    /// mremap(2).
    fn move_away(&mut self) {
        if let Some(index) = self.any_part() {
            self.parts[index].region = self.parts[index].region.moved();
        }
    }

    /// mprotect(2).
    fn protect(&mut self) {
        let Some(index) = self.any_part() else { return };
        let part = &mut self.parts[index];
        part.writable = !part.writable;
        let write = if part.writable { MprotectFlags::WRITE } else { MprotectFlags::empty() };
        part.region.protect(MprotectFlags::READ | write).expect("the map is writable");
    }

    /// Does something to a page that does not come to an end.
    fn on_a_page(&mut self, work: impl Fn(&mut Self, &Part, usize)) {
        let Some(index) = self.any_part() else { return };
        let part = self.parts[index].clone();
        let page = self.random.usize(part.pages.clone());
        if part.map != MORTAL {
            work(self, &part, page);
        }
    }

    /// Reads what never changes, and what this process and its children wrote last.
    fn read(&mut self, part: &Part, page: usize) {
        let (word, cells) = self.access(part.map, page, || part.region.read(part.word(page, 0)));
        assert!(cells.may_begin_with(word), "page {page} of map {} has {word:#x}", part.map);
        for slot in [&self.own, &self.children] {
            let place = part.word(page, slot.offset);
            let (word, cells) = self.access(part.map, page, || part.region.read(place));
            assert!(
                slot.words.may_be(cells, word),
                "page {page} of map {} has {word:#x} of this process's: {cells:?}, {:?}",
                part.map,
                slot.words
            );
        }
    }

    fn write(&mut self, part: &Part, page: usize) {
        if part.writable {
            let word = self.next_word();
            let place = part.word(page, self.own.offset);
            let ((), cells) = self.access(part.map, page, || part.region.write(place, word));
            self.own.words.written(cells, word, true);
        }
    }

    /// Makes an access to a page of a map; what it can have reached.
    fn access<T>(&self, map: usize, page: usize, access: impl FnOnce() -> T) -> (T, Cells) {
        let began = self.world.history.now();
        let done = access();
        let when = began..self.world.history.now();
        (done, self.world.reached(map, page, when))
    }

    /// Takes hold of a page for I/O.
    fn hold(&mut self) {
        self.held = None;
        self.on_a_page(|process, part, page| {
            if !part.writable {
                return;
            }
            let word = Region::at(part.region.address() + part.word(page, process.own.offset), 8);
            let ring = Ring::new();
            let (held, cells) = process.access(part.map, page, || ring.register(word));
            held.expect("who made the map and suspends it is privileged");
            process.held = Some(Held { ring, cells, word });
        });
    }

    /// Writes to the held page by I/O: to that page, whatever is mapped there by now.
    fn input(&mut self) {
        let word = self.next_word();
        if let Some(held) = &mut self.held {
            rustix::io::pwrite(&self.file, &word.to_ne_bytes(), 0).expect("there is memory");
            assert_eq!(held.ring.read_fixed(&self.file, held.word), Ok(8));
            self.own.words.written(held.cells, word, true);
        }
    }

    /// Compares what all memories have with what they can have.
    fn compare(&self) {
        for memory in 0..MEMORIES {
            let window = window(&self.world.memories[memory]);
            for page in 0..MEMORY_PAGES {
                let cells = Cells::default().with(Cell::of(memory, page));
                for slot in [&self.own, &self.children] {
                    let word = window.load_u64(page * PAGE + slot.offset);
                    assert!(
                        slot.words.may_be(cells, word),
                        "page {page} of memory {memory} has {word:#x}: {:?}",
                        slot.words
                    );
                }
            }
        }
    }
}
