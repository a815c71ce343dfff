// SPDX-License-Identifier: MIT OR Apache-2.0

//! Does what a program says, to objects of its own.

use std::collections::BTreeSet;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::read;
use rustix::mm::{Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags};
use rustix::process::getpid;

use super::program::{Decisions, Program};
use crate::abi::{CALLS, Memory, World};
use crate::support::coverage::Coverage;
use crate::support::{Child, PAGE, Region};

/// Numbers at which calls are likely to take another way.
const EDGES: [u64; 18] = [
    0,
    1,
    2,
    7,
    8,
    PAGE as u64 - 1,
    PAGE as u64,
    PAGE as u64 + 1,
    2 << 20,
    1 << 30,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 47,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

/// How much a program may have of each: files, mappings.
const MANY: usize = 24;

/// What came of a program.
#[derive(Default)]
pub struct Outcome {
    pub calls: usize,
    pub accepted: usize,
    /// The places of the kernel that it ran through.
    pub places: BTreeSet<u64>,
}

struct Run<'a> {
    world: World,
    memory: Memory,
    files: Vec<OwnedFd>,
    regions: Vec<Region>,
    decisions: Decisions<'a>,
    outcome: Outcome,
}

/// Runs a program, and leaves nothing of it.
pub fn run(program: &Program, coverage: &Coverage) -> Outcome {
    let mut run = Run {
        world: World::new(),
        memory: Memory::new(),
        files: Vec::new(),
        regions: Vec::new(),
        decisions: program.decisions(),
        outcome: Outcome::default(),
    };
    while !run.decisions.are_over() {
        let places = coverage.of(|| run.step());
        run.outcome.places.extend(places);
    }
    let Run { outcome, world, .. } = run;
    drop(world);
    Region::unmap_all();
    outcome
}

impl Run<'_> {
    fn step(&mut self) {
        match self.decisions.below(16) {
            0..9 => self.call(),
            9..11 => self.map(),
            11..13 => self.touch(),
            13..15 => self.change_mapping(),
            _ => self.use_file(),
        }
    }

    /// A call with an argument that is right but for some of its words.
    fn call(&mut self) {
        let call = &CALLS[self.decisions.below(CALLS.len())];
        let mut argument = (call.argument)(&self.world);
        for _ in 0..self.decisions.below(4) {
            let place = 4 * self.decisions.below(argument.len() / 4);
            let value = self.value();
            argument.set(place, value as u32);
            if place + 8 <= argument.len() && self.decisions.one_in(2) {
                argument.set(place + 4, (value >> 32) as u32);
            }
        }
        let mut address = self.memory.put(&argument);
        if call.file.is_none() && self.decisions.one_in(16) {
            address = self.value() as usize;
        }
        self.outcome.calls += 1;
        let number = self.decisions.below(4 * MANY);
        let done = match self.files.get(number) {
            Some(file) => crate::support::raw::call_at(file, call.number, address),
            None => call.at(&self.world, address),
        };
        if done.is_ok() {
            self.outcome.accepted += 1;
            // Those that answer with a file have had their argument in the memory for it.
            if call.file.is_some() {
                let answer = self.memory.take(address, argument.len());
                self.keep_file(call.file_in(&answer).expect("it answers with a file"));
            }
        }
    }

    /// A value for a word of 64 bits, or the first half of one of 32.
    fn value(&mut self) -> u64 {
        match self.decisions.below(8) {
            0..3 => EDGES[self.decisions.below(EDGES.len())],
            3 => u64::from(self.decisions.byte()),
            4 => u64::from(self.decisions.byte()) * PAGE as u64,
            5 => self.region().map_or(0, |region| region.address() as u64),
            _ => self.file().as_raw_fd() as u64,
        }
    }

    /// A file of the program's or, if that has none there, of the world's.
    fn file(&mut self) -> BorrowedFd<'_> {
        let number = self.decisions.below(MANY + 5);
        match self.files.get(number) {
            Some(file) => file.as_fd(),
            None => match number % 5 {
                0 => self.world.client.as_fd(),
                1 => self.world.source.as_fd(),
                2 => self.world.map.as_fd(),
                3 => self.world.suspended.as_fd(),
                _ => self.world.task.as_fd(),
            },
        }
    }

    fn region(&mut self) -> Option<Region> {
        let number = self.decisions.below(self.regions.len().max(1));
        self.regions.get(number).copied()
    }

    fn keep_file(&mut self, file: OwnedFd) {
        if self.files.len() == MANY {
            self.files.remove(0);
        }
        self.files.push(file);
    }

    fn map(&mut self) {
        let rights = [
            ProtFlags::READ | ProtFlags::WRITE,
            ProtFlags::READ,
            ProtFlags::WRITE,
            ProtFlags::empty(),
            ProtFlags::READ | ProtFlags::EXEC,
        ][self.decisions.below(5)];
        let flags = if self.decisions.one_in(8) { MapFlags::PRIVATE } else { MapFlags::SHARED };
        let (first, pages) = (self.decisions.below(6), 1 + self.decisions.below(6));
        let offset = (first * PAGE) as u64;
        let region = Region::map(self.file(), offset, pages * PAGE, rights, flags);
        if let Ok(region) = region {
            if self.regions.len() < MANY {
                self.regions.push(region);
            } else {
                region.unmap().expect("it is mapped");
            }
        }
    }

    /// Reads or writes a mapping, by a call: that is refused where an instruction would wait.
    fn touch(&mut self) {
        let Some(region) = self.region() else { return };
        let mut word = [0u8; 8];
        let own = libc::iovec { iov_base: word.as_mut_ptr().cast(), iov_len: word.len() };
        let offset = 8 * self.decisions.below(256) % region.len();
        let iov_base = std::ptr::with_exposed_provenance_mut(region.address() + offset);
        let there = libc::iovec { iov_base, iov_len: word.len() };
        let call =
            if self.decisions.one_in(2) { libc::process_vm_writev } else { libc::process_vm_readv };
        let own_id = getpid().as_raw_nonzero().get();
        // SAFETY: what is there is a mapping of the program's, and no reference leads to it.
        unsafe { call(own_id, &own, 1, &there, 1, 0) };
    }

    fn change_mapping(&mut self) {
        let Some(region) = self.region() else { return };
        let pages = region.len() / PAGE;
        let start = self.decisions.below(pages);
        let end = start + 1 + self.decisions.below(pages - start);
        let part = region.pages(start..end);
        // It may be refused.
        match self.decisions.below(8) {
            0 => drop(part.protect(MprotectFlags::READ)),
            1 => drop(part.protect(MprotectFlags::READ | MprotectFlags::WRITE)),
            2 => drop(part.protect(MprotectFlags::empty())),
            3 => drop(part.advise(Advice::LinuxDontNeed)),
            4 => drop(part.advise(Advice::LinuxPopulateRead)),
            5 => drop(part.advise(Advice::LinuxPopulateWrite)),
            6 => {
                if let Ok(moved) = part.remap(part.len(), MremapFlags::MAYMOVE, None) {
                    self.take_out(region, start..end);
                    self.regions.push(moved);
                }
            }
            _ => {
                if part.unmap().is_ok() {
                    self.take_out(region, start..end);
                }
            }
        }
    }

    /// Of a region these pages are not the program's any more: anything can come to be there.
    fn take_out(&mut self, region: Region, pages: Range<usize>) {
        let all = region.len() / PAGE;
        self.regions.retain(|other| other.address() != region.address());
        let left = [0..pages.start, pages.end..all].into_iter().filter(|left| !left.is_empty());
        self.regions.extend(left.map(|left| region.pages(left)));
    }

    fn use_file(&mut self) {
        match self.decisions.below(16) {
            0..6 => {
                let number = self.decisions.below(MANY);
                if number < self.files.len() {
                    self.files.remove(number);
                }
            }
            6..15 => {
                let file = self.file();
                let _ = fcntl_setfl(file, OFlags::NONBLOCK);
                let _ = read(file, &mut [0u8; 64][..]);
                let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
                let _ = poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&at_once));
            }
            // What it inherits goes with it.
            _ => Child::fork(|_| ()).succeed(),
        }
    }
}
