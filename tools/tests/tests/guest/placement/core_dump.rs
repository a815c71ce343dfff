// SPDX-License-Identifier: MIT OR Apache-2.0

//! A core dump leaves mappings out: the memory is not the process's, and may be another's secret.

use std::fs;

use iomd::{Errno, Map};
use rustix::mm::Advice;
use rustix::process::{Resource, Rlimit, Signal, chdir, getpid, kill_process, setrlimit};

use super::mapped;
use crate::support::{Child, End, PAGE, Region, buffer, unique_shared};

/// Where the dumps go.
const DIRECTORY: &str = "/tmp/iomd-core";

/// Fills a page with words that are nowhere else.
fn fill(page: Region, seed: u64) {
    for index in 0..PAGE / 8 {
        page.write(index * 8, word(seed, index as u64));
    }
}

fn word(seed: u64, index: u64) -> u64 {
    ((seed << 32) | index).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether a dump has the page that was filled so. Pages of memory are pages of it.
fn has(dump: &[u8], seed: u64) -> bool {
    let start: Vec<u8> = (0..8).flat_map(|index| word(seed, index).to_ne_bytes()).collect();
    dump.chunks(PAGE).any(|page| page.starts_with(&start))
}

/// A map that needs no handle.
fn kept() -> Map {
    buffer(1).map().keep(true).create().unwrap()
}

#[test]
fn mappings_are_not_in_it() {
    const MAPPED: u64 = 1;
    const INHERITED: u64 = 2;
    const MOVED: u64 = 3;
    const OWN: u64 = 4;
    fs::create_dir_all(DIRECTORY).unwrap();
    let map = unique_shared(&buffer(1));
    let inherited = mapped(&map);
    fill(inherited, INHERITED);
    let child = Child::fork(|_| {
        let regions = [(); 3].map(|()| mapped(&kept()));
        fill(regions[0], MAPPED);
        fill(regions[1].moved(), MOVED);
        let own = Region::reserve(1);
        own.unmap().unwrap();
        own.fill().unwrap();
        fill(own, OWN);
        // Nor can the process have it otherwise.
        assert_eq!(regions[2].advise(Advice::LinuxDoDump), Err(Errno::INVAL));

        chdir(DIRECTORY).unwrap();
        let unlimited = Rlimit { current: None, maximum: None };
        setrlimit(Resource::Core, unlimited).unwrap();
        // Of every kind of memory.
        fs::write("/proc/self/coredump_filter", "0x7f").unwrap();
        kill_process(getpid(), Signal::ABORT).unwrap();
    });
    assert_eq!(child.end(), End::Dumped(Signal::ABORT));
    inherited.unmap().unwrap();

    let files: Vec<_> = fs::read_dir(DIRECTORY).unwrap().map(|file| file.unwrap().path()).collect();
    let dump = fs::read(&files[0]).unwrap();
    fs::remove_dir_all(DIRECTORY).unwrap();
    assert_eq!(files.len(), 1);
    assert!(has(&dump, OWN), "what is the process's own is in it");
    for seed in [MAPPED, INHERITED, MOVED] {
        assert!(!has(&dump, seed), "page {seed}");
    }
}
