// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a process does to the maps.

use iomd::{Client, IfAbandoned};

use super::history::{Change, Outcome};
use super::process::Process;
use super::round::{ALL, World};
use super::{Cell, MAP_PAGES, MAPS, MORTAL};
use crate::support::PAGE;

impl Process<'_> {
    /// Suspends some pages.
    pub fn suspend(&mut self) {
        let map = self.random.usize(..MAPS);
        let pages = self.some_of(0..MAP_PAGES);
        let begun = self.world.history.begin(map, pages.clone(), Change::Suspends);
        self.world.maps[map]
            .suspend_with()
            .range((pages.start * PAGE) as u64, (pages.len() * PAGE) as u64)
            .run()
            .expect("it is unique");
        self.world.history.end(begun, Outcome::Done);
    }

    /// Resumes some pages.
    pub fn resume(&mut self) {
        let map = self.random.usize(..MAPS);
        let pages = self.some_of(0..MAP_PAGES);
        let begun = self.world.history.begin(map, pages.clone(), Change::Resumes);
        self.world.maps[map]
            .resume_range((pages.start * PAGE) as u64, (pages.len() * PAGE) as u64)
            .expect("it is unique");
        self.world.history.end(begun, Outcome::Done);
    }

    /// Switches two maps at once.
    pub fn batch(&mut self) {
        let first = self.random.usize(..MAPS);
        let maps = [first, (first + self.random.usize(1..MAPS)) % MAPS];
        let client = Client::open().expect("root may");
        let (mut batch, mut all) = (client.batch(), Vec::new());
        for map in maps {
            let (memory, page) = World::place(&mut self.random);
            let (object, target) = (&self.world.maps[map], &self.world.memories[memory]);
            batch = batch.redirect_at(object, target, (page * PAGE) as u64);
            all.push(self.world.history.begin(map, ALL, Change::Shows(Cell::of(memory, page))));
        }
        batch.run().expect("they are unique");
        for begun in all {
            self.world.history.end(begun, Outcome::Done);
        }
    }

    /// Suspends a map for as long as its owner is there, which then is closed.
    pub fn close_the_owner(&mut self) {
        let map = self.random.usize(..MAPS);
        let owner = self.world.maps[map].reopen().expect("there is room for a file");
        let begun = self.world.history.begin(map, ALL, Change::Suspends);
        owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().expect("it is unique");
        self.world.history.end(begun, Outcome::Done);
        let begun = self.world.history.begin(map, ALL, Change::Resumes);
        drop(owner);
        // Another may own it by now.
        self.world.history.end(begun, Outcome::Unknown);
    }

    pub fn end_the_mortal(&mut self) {
        let begun = self.world.history.begin(MORTAL, ALL, Change::Ends);
        self.world.maps[MORTAL].unmap().expect("nobody sealed it");
        self.world.history.end(begun, Outcome::Done);
    }
}
