// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was done to the maps, and when: written by every process, in memory that all of them share.
//!
//! A clock counts whatever anybody begins or ends. Of two things of which one had ended before the
//! other began it tells which came first; of others nobody knows.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use iomd::Mapping;

use super::{Cell, Cells};

/// More than a round can have.
const CHANGES: usize = 4096;

/// What is done to a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It shows that memory, from that page of it on; suspended are no pages.
    Shows(Cell),
    Suspends,
    Resumes,
    Ends,
}

/// How that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is not over, or nobody will ever know whether it was done.
    Unknown,
    Done,
    /// It was refused, and so has changed nothing.
    Refused,
}

/// One thing that is done to pages of a map.
#[derive(Debug, Clone)]
struct Event {
    map: usize,
    pages: Range<usize>,
    change: Change,
    outcome: Outcome,
    began: u64,
    /// The end of time, if it is not over.
    ended: u64,
}

/// An event as all processes can write and read it. Zeros are one that has not begun.
#[derive(Default)]
struct Record {
    what: AtomicU64,
    began: AtomicU64,
    ended: AtomicU64,
    outcome: AtomicU64,
}

/// Zeros are a history of nothing.
struct Shared {
    clock: AtomicU64,
    length: AtomicUsize,
    records: [Record; CHANGES],
}

/// The history of a round.
#[derive(Clone, Copy)]
pub struct History(&'static Shared);

/// Something that was begun.
#[must_use = "it is to be ended"]
pub struct Begun(usize);

impl History {
    pub fn new() -> Self {
        let memory = Mapping::anonymous(size_of::<Shared>()).expect("there is memory");
        // SAFETY: it is zeros, which are a history, and stays for ever.
        Self(unsafe { &*memory.leak().cast::<Shared>() })
    }

    /// Forgets everything. No process may be at work.
    pub fn clear(self) {
        for record in &self.0.records[..self.0.length.swap(0, SeqCst)] {
            record.began.store(0, SeqCst);
        }
        self.0.clock.store(0, SeqCst);
    }

    /// A moment that is later than all before.
    pub fn now(self) -> u64 {
        self.0.clock.fetch_add(1, SeqCst) + 1
    }

    /// The last of these moments, by which one sees whether anybody does anything.
    pub fn latest(self) -> u64 {
        self.0.clock.load(SeqCst)
    }

    /// Something is about to be done.
    pub fn begin(self, map: usize, pages: Range<usize>, change: Change) -> Begun {
        let index = self.0.length.fetch_add(1, SeqCst);
        let record = &self.0.records[index];
        let (kind, cell) = match change {
            Change::Shows(cell) => (0, cell.0),
            Change::Suspends => (1, 0),
            Change::Resumes => (2, 0),
            Change::Ends => (3, 0),
        };
        let bytes = [kind, map, cell, pages.start, pages.end, 0, 0, 0].map(|number| number as u8);
        record.what.store(u64::from_ne_bytes(bytes), SeqCst);
        record.ended.store(u64::MAX, SeqCst);
        record.outcome.store(0, SeqCst);
        record.began.store(self.now(), SeqCst);
        Begun(index)
    }

    /// It is over.
    pub fn end(self, begun: Begun, outcome: Outcome) {
        let record = &self.0.records[begun.0];
        let number = match outcome {
            Outcome::Unknown => 0,
            Outcome::Done => 1,
            Outcome::Refused => 2,
        };
        record.outcome.store(number, SeqCst);
        record.ended.store(self.now(), SeqCst);
    }

    /// What an access to a page of a map can have reached that was made then.
    pub fn reachable(self, map: usize, page: usize, when: Range<u64>) -> Cells {
        let shows: Vec<_> = self
            .events(map)
            .filter(|event| matches!(event.change, Change::Shows(_)) && event.began < when.end)
            .collect();
        // Whatever was over before this began was replaced when the access began.
        let replaced = shows
            .iter()
            .filter(|event| event.outcome == Outcome::Done && event.ended < when.start)
            .map(|event| event.began)
            .max()
            .unwrap_or(0);
        let possible = shows.iter().filter(|event| event.ended >= replaced);
        possible.fold(Cells::default(), |cells, event| match event.change {
            Change::Shows(first) => cells.with(first.following(page)),
            _ => cells,
        })
    }

    /// Whether an access to a page of a map can have passed that was made then: not, if it was
    /// suspended all the time.
    pub fn passes(self, map: usize, page: usize, when: Range<u64>) -> bool {
        let events: Vec<_> = self.events(map).filter(|event| event.pages.contains(&page)).collect();
        let suspended = events.iter().filter(|event| {
            event.change == Change::Suspends
                && event.outcome == Outcome::Done
                && event.ended < when.start
        });
        suspended.into_iter().all(|suspended| {
            events.iter().any(|event| {
                matches!(event.change, Change::Resumes | Change::Shows(_))
                    && event.ended > suspended.began
                    && event.began < when.end
            })
        })
    }

    /// Whether the map can have ended by then.
    pub fn may_have_ended(self, map: usize, then: u64) -> bool {
        self.events(map).any(|event| event.change == Change::Ends && event.began < then)
    }

    /// Whether it is sure that the map had ended then.
    pub fn has_ended(self, map: usize, then: u64) -> bool {
        self.events(map).any(|event| event.change == Change::Ends && event.ended < then)
    }

    /// What was done to a map, and may have changed something. What an access has seen had begun
    /// before, and so is among them.
    fn events(self, map: usize) -> impl Iterator<Item = Event> {
        let records = &self.0.records[..self.0.length.load(SeqCst)];
        records.iter().filter(|record| record.began.load(SeqCst) != 0).filter_map(move |record| {
            let event = record.event();
            (event.map == map && event.outcome != Outcome::Refused).then_some(event)
        })
    }
}

impl Record {
    fn event(&self) -> Event {
        let [kind, map, cell, start, end, ..] =
            self.what.load(SeqCst).to_ne_bytes().map(usize::from);
        Event {
            map,
            pages: start..end,
            change: match kind {
                0 => Change::Shows(Cell(cell)),
                1 => Change::Suspends,
                2 => Change::Resumes,
                _ => Change::Ends,
            },
            // Its end is noted after its outcome.
            ended: self.ended.load(SeqCst),
            began: self.began.load(SeqCst),
            outcome: match self.outcome.load(SeqCst) {
                0 => Outcome::Unknown,
                1 => Outcome::Done,
                _ => Outcome::Refused,
            },
        }
    }
}
