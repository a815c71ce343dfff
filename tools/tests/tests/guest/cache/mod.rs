// SPDX-License-Identifier: MIT OR Apache-2.0

//! Cache modes are what page tables say, and what the kernel notes of the memory; they never differ.

mod attributes;
mod conflicts;
mod restored;
mod switched;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;

use iomd::{CacheMode, Descriptor, Map, Mapping};

use crate::support::page_tables::PageTables;
use crate::support::{PAGE, Region, proc};

/// How memory is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cached {
    WriteBack,
    Uncached,
    WriteCombining,
}

use Cached::{Uncached, WriteBack, WriteCombining};

/// What each mode means for memory that nothing else has been asked of.
const MODES: [(CacheMode, Cached); 4] = [
    (CacheMode::Default, WriteBack),
    (CacheMode::Copyback, WriteBack),
    (CacheMode::Inhibit, Uncached),
    (CacheMode::WriteCombine, WriteCombining),
];

/// A map of all of it, which may be redirected, in that mode.
fn map(memory: &Descriptor, mode: CacheMode) -> iomd::Result<Map> {
    memory.map().unique(true).cache_mode(mode).create()
}

/// Sees how memory is cached.
struct Sight(PageTables);

impl Sight {
    fn new() -> Self {
        Self(PageTables::open())
    }

    /// Touches all pages and asserts that all are cached so: by their page-table entries, and by the
    /// kernel's notes.
    #[track_caller]
    fn assert_cached(&self, memory: &Mapping, cached: Cached) {
        self.assert_region_cached(memory.into(), cached);
    }

    /// As [`Sight::assert_cached`].
    #[track_caller]
    fn assert_region_cached(&self, memory: Region, cached: Cached) {
        for page in 0..memory.len() / PAGE {
            memory.read(page * PAGE);
        }
        for (page, entry) in self.0.entries(memory).into_iter().enumerate() {
            assert_eq!(by_entry(entry), cached, "page {page}: entry {entry:#x}");
        }
        assert_noted(&proc::frames(memory), cached);
    }
}

/// Asserts that the kernel has noted that mode with all of these page frames.
#[track_caller]
fn assert_noted(frames: &BTreeSet<u64>, cached: Cached) {
    let flags = File::open("/proc/kpageflags").expect("root may look at pages");
    for &frame in frames {
        let mut word = [0; 8];
        flags.read_exact_at(&mut word, frame * 8).expect("each frame has flags");
        assert_eq!(by_flags(u64::from_ne_bytes(word)), cached, "frame {frame:#x}");
    }
}

/// As the kernel programs the processors' page attribute table: PWT is write-combining, PCD is
/// uncached but for what the MTRRs say.
fn by_entry(entry: u64) -> Cached {
    const PRESENT: u64 = 1 << 0;
    const PWT: u64 = 1 << 3;
    const PCD: u64 = 1 << 4;
    const PAT: u64 = 1 << 7;
    assert_ne!(entry & PRESENT, 0, "the page has been touched");
    match entry & (PWT | PCD | PAT) {
        0 => WriteBack,
        PWT => WriteCombining,
        PCD => Uncached,
        other => panic!("a mode that nobody asked for: {other:#x}"),
    }
}

/// x86 notes the mode of a page of RAM in the flags PG_arch_1 and PG_arch_2.
fn by_flags(flags: u64) -> Cached {
    const ARCH: u64 = 1 << 38;
    const ARCH_2: u64 = 1 << 41;
    match flags & (ARCH | ARCH_2) {
        0 => WriteBack,
        ARCH => WriteCombining,
        ARCH_2 => Uncached,
        _ => panic!("a mode that nobody asked for"),
    }
}
