// SPDX-License-Identifier: MIT OR Apache-2.0

//! The pages of all memories of a round, and what can be in them.

use super::{MEMORIES, MEMORY_PAGES};

/// How many pages there are.
const CELLS: usize = MEMORIES * MEMORY_PAGES;

/// Every page begins with this plus its number.
const TAG: u64 = 0x7a67_0000;

/// A page of a memory, by its number among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell(pub usize);

impl Cell {
    pub fn of(memory: usize, page: usize) -> Self {
        assert!(page < MEMORY_PAGES);
        Self(memory * MEMORY_PAGES + page)
    }

    /// A later page of the same memory.
    pub fn following(self, pages: usize) -> Self {
        Self::of(self.0 / MEMORY_PAGES, self.0 % MEMORY_PAGES + pages)
    }

    /// What all pages of a memory are painted with.
    pub fn paint(memory: usize) -> u64 {
        TAG + Self::of(memory, 0).0 as u64
    }
}

/// Some of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cells(u64);

const _: () = assert!(CELLS <= u64::BITS as usize);

impl Cells {
    pub fn with(self, cell: Cell) -> Self {
        Self(self.0 | (1 << cell.0))
    }

    pub fn all(self) -> impl Iterator<Item = Cell> {
        (0..CELLS).filter(move |cell| self.0 & (1 << cell) != 0).map(Cell)
    }

    /// Whether a page of these can begin with that word.
    pub fn may_begin_with(self, word: u64) -> bool {
        self.all().any(|cell| TAG + cell.0 as u64 == word)
    }
}

/// What one word of each page can be, of which one process alone knows, since it alone writes it.
#[derive(Debug)]
pub struct Words([Vec<u64>; CELLS]);

impl Words {
    pub fn new() -> Self {
        Self([const { Vec::new() }; CELLS].map(|_: Vec<u64>| vec![0]))
    }

    /// The word of one of these pages was written; maybe, if it is not `certain`.
    pub fn written(&mut self, cells: Cells, word: u64, certain: bool) {
        let mut all = cells.all();
        match (all.next(), all.next()) {
            (Some(only), None) if certain => self.0[only.0] = vec![word],
            _ => cells.all().for_each(|cell| self.0[cell.0].push(word)),
        }
    }

    /// Whether the word of one of these pages can be that.
    pub fn may_be(&self, cells: Cells, word: u64) -> bool {
        cells.all().any(|cell| self.0[cell.0].contains(&word))
    }
}
