// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each kind tells about itself.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use iomd::{Access, AnyObject, Kind};

use super::{KINDS, PAGES, bytes_of};
use crate::support::{client, unique};

#[test]
fn kind_length_and_parts() {
    for kind in &KINDS {
        let sample = (kind.painted)(1);
        let (memory, info) = (&sample.memory, sample.memory.info().unwrap());
        assert_eq!((info.length, info.resident), (bytes_of(PAGES), bytes_of(PAGES)));
        let parts = match info.kind {
            Kind::Sub => 1,
            Kind::Multi => 3,
            Kind::Interleaved => 2,
            _ => 0,
        };
        assert_eq!(info.parts, parts, "{}", kind.name);
        let listed = client().objects().map(Result::unwrap).find(|object| object.id == info.id);
        assert_eq!(listed.unwrap().kind, info.kind);
        let AnyObject::Descriptor(opened) = client().open_object(info.id).unwrap() else {
            panic!("{} is no descriptor", kind.name);
        };
        assert_eq!(opened.info().unwrap(), info);

        let fdinfo = format!("/proc/self/fdinfo/{}", memory.as_fd().as_raw_fd());
        let fdinfo = fs::read_to_string(fdinfo).unwrap();
        let has = |line: String| fdinfo.lines().any(|other| other == line);
        assert!(has(format!("iomd-kind:\t{}", info.kind)), "{fdinfo}");
        assert!(has(format!("iomd-length:\t{}", info.length)), "{fdinfo}");
        assert_eq!(fdinfo.matches("iomd-part:").count(), parts as usize, "{fdinfo}");
        let table = fs::read_to_string("/sys/kernel/debug/iomd/descriptors").unwrap();
        let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = line.into_iter().find(|words| words[0] == info.id.to_string()).unwrap();
        assert_eq!(line[1..3], [info.kind.to_string(), info.length.to_string()]);
    }
}

#[test]
fn a_map_counts_at_every_level_that_it_shows() {
    for kind in &KINDS {
        let sample = (kind.painted)(1);
        let maps = || sample.levels().map(|level| level.info().unwrap().maps).collect::<Vec<_>>();
        assert!(maps().iter().all(|&maps| maps == 0), "{}", kind.name);
        let map = unique(&sample.memory);
        assert!(maps().iter().all(|&maps| maps == 1), "{}: {:?}", kind.name, maps());
        drop(map);
        assert!(maps().iter().all(|&maps| maps == 0), "{}", kind.name);
    }
}

#[test]
fn only_what_is_shown_counts() {
    let parts = [1, 1].map(crate::support::buffer);
    let multi = client().multi(&parts.each_ref()).unwrap();
    let map = multi.map().offset(bytes_of(1)).length(0).create().unwrap();
    assert_eq!(parts.each_ref().map(|part| part.info().unwrap().maps), [0, 1]);
    drop(map);
    // Neither does a suspension of what is not shown hold anything up.
    let map = multi.map().offset(0).length(bytes_of(1)).create().unwrap();
    parts[1].suspend().unwrap();
    assert!(!map.info().unwrap().descriptor_suspended);
    let sub = parts[0].sub(0, 0, Access::ReadOnly).unwrap();
    sub.suspend().unwrap();
    assert!(!map.info().unwrap().descriptor_suspended);
}
