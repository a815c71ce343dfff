// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory is write-back again when nobody shows it any more.

use iomd::{CacheMode, Descriptor, Inheritance};
use rustix::process::Signal;

use super::{MODES, Sight, WriteBack, assert_noted, map};
use crate::support::{
    Child, End, PAGE, Region, assert_painted, buffer, client, eventually, painted, proc,
};

const TAG: u64 = 0x0100;

#[test]
fn with_the_last_map() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let memory = painted(70, TAG);
        let map = map(&memory, mode).unwrap();
        let mapping = map.mmap().unwrap();
        sight.assert_cached(&mapping, cached);
        let frames = proc::frames(Region::from(&mapping));
        drop(map);
        assert_noted(&frames, cached);
        drop(mapping);
        assert_noted(&frames, WriteBack);
        assert_painted(&memory, TAG);
        sight.assert_cached(
            &super::map(&memory, CacheMode::Copyback).unwrap().mmap().unwrap(),
            WriteBack,
        );
    }
}

#[test]
fn when_the_mapping_outlives_the_descriptor() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let memory = client().sparse_buffer(5 * PAGE as u64).unwrap();
        let map = memory.map().cache_mode(mode).keep(true).create().unwrap();
        let mapping = map.mmap().unwrap();
        drop((map, memory));
        sight.assert_cached(&mapping, cached);
        let frames = proc::frames(Region::from(&mapping));
        drop(mapping);
        assert_noted(&frames, WriteBack);
    }
}

#[test]
fn when_processes_that_have_it_are_killed() {
    let sight = Sight::new();
    for (mode, cached) in MODES {
        let memory = buffer(4);
        let builder = memory.map().cache_mode(mode).inheritance(Inheritance::Share);
        let map = builder.create().unwrap();
        let mapping = map.mmap().unwrap();
        sight.assert_cached(&mapping, cached);
        let frames = proc::frames(Region::from(&mapping));
        let child = Child::fork(|channel| {
            mapping.store_u64(0, 7);
            channel.say(1);
            channel.listen();
        });
        assert_eq!(child.hear(), 1);
        drop((map, mapping));
        assert_noted(&frames, cached);
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
        eventually("the maps are gone", || maps(&memory) == 0);
        assert_noted(&frames, WriteBack);
    }
}

fn maps(memory: &Descriptor) -> u64 {
    memory.info().unwrap().maps
}
