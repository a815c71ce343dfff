// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of a task in another place as well.

mod copies;
mod executable;
mod files;
mod inheritance;
mod lazy;
mod maps;
mod mixed;
mod placement;
mod private;
mod processes;
mod protections;
mod refusals;
mod sweep;

use std::os::fd::{AsFd, OwnedFd};

use iomd::{Client, Inheritance, Protection, RemapBuilder, Remapped, Task};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

use crate::support::{PAGE, Region, client};

const TAG: u64 = 0x0100;
/// Where nothing else is.
const FAR: u64 = 0x10_0000_0000;
/// Where it goes if that does not matter.
const ELSEWHERE: u64 = 0x20_0000_0000;
const RW: Protection = Protection::READ.union(Protection::WRITE);

/// This process, and who maps for it.
struct Own {
    client: Client,
    task: Task,
}

impl Own {
    fn new() -> Self {
        let client = client();
        let task = client.own_task().expect("a task opens itself");
        Self { client, task }
    }

    /// Memory of this process in another place of it.
    fn remap(&self, region: Region) -> RemapBuilder<'_> {
        let (address, length) = (region.address() as u64, region.len() as u64);
        let remap = self.client.remap(&self.task, address, length);
        remap.from(ELSEWHERE).inheritance(Inheritance::Share)
    }

    fn alias(&self, region: Region) -> Region {
        place(self.remap(region).run().expect("it is remapped"), region.len())
    }

    fn copy(&self, region: Region) -> Region {
        place(self.remap(region).copy(true).run().expect("it is copied"), region.len())
    }
}

fn place(remapped: Remapped, length: usize) -> Region {
    Region::at(remapped.address as usize, length)
}

/// Memory that this process alone sees, each page of which begins with `tag` plus its number.
fn private(pages: usize, tag: u64) -> Region {
    let region = Region::reserve(pages);
    region.protect(MprotectFlags::READ | MprotectFlags::WRITE).expect("it is our own");
    paint(region, tag);
    region
}

fn paint(region: Region, tag: u64) {
    for page in 0..region.len() / PAGE {
        region.write(page * PAGE, tag + page as u64);
    }
}

/// A file in memory.
fn memfd(pages: usize, tag: u64) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("remap", flags).expect("a file in memory");
    ftruncate(&file, (pages * PAGE) as u64).expect("it grows");
    let region = shared(&file, 0, pages);
    paint(region, tag);
    region.unmap().expect("it is mapped");
    file
}

fn shared(file: impl AsFd, first: usize, pages: usize) -> Region {
    map(file, first, pages, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)
}

fn map(file: impl AsFd, first: usize, pages: usize, rights: ProtFlags, flags: MapFlags) -> Region {
    Region::map(file, (first * PAGE) as u64, pages * PAGE, rights, flags).expect("it is mapped")
}

#[track_caller]
fn assert_painted(region: Region, tag: u64) {
    for page in 0..region.len() / PAGE {
        assert_eq!(region.read(page * PAGE), tag + page as u64, "page {page}");
    }
}

/// Asserts that what is written on one side is seen on the other, on every page, both ways.
#[track_caller]
fn assert_shared(one: Region, other: Region) {
    for page in 0..one.len() / PAGE {
        let at = page * PAGE + 16;
        let before = one.read(at);
        assert_eq!(other.read(at), before, "page {page}");
        one.write(at, before + 1);
        assert_eq!(other.read(at), before + 1, "page {page}");
        other.write(at, before + 2);
        assert_eq!(one.read(at), before + 2, "page {page}");
    }
}

/// Asserts that neither side sees what the other writes.
#[track_caller]
fn assert_apart(one: Region, other: Region) {
    for page in 0..one.len() / PAGE {
        let at = page * PAGE + 24;
        let before = [one, other].map(|side| side.read(at));
        one.write(at, before[0] + 1);
        assert_eq!(other.read(at), before[1], "page {page}");
        other.write(at, before[1] + 5);
        assert_eq!(one.read(at), before[0] + 1, "page {page}");
    }
}

/// Where the addresses of a task end: later on processors with a fifth level of page tables.
fn limit() -> u64 {
    let flags = std::fs::read_to_string("/proc/cpuinfo").expect("/proc is mounted");
    let bits = if flags.contains(" la57") { 56 } else { 47 };
    (1 << bits) - PAGE as u64
}

/// Unmaps what a test has mapped.
fn unmap(regions: impl IntoIterator<Item = Region>) {
    for region in regions {
        region.unmap().expect("it is mapped");
    }
}
