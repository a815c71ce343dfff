// SPDX-License-Identifier: MIT OR Apache-2.0

//! A batch is refused whole.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{Batch, Errno};
use iomd_sys as sys;

use super::{Maps, NEW, OLD, argument, entry, refused};
use crate::support::{PAGE, client, open_files, painted, raw, unique};

#[test]
fn a_batch_has_64_maps_at_most() {
    let client = client();
    assert_eq!(Batch::MOST, 64);
    let maps = Maps::<64>::new();
    maps.batch(&client).run().unwrap();
    maps.assert_show(NEW);

    let maps = Maps::<65>::new();
    let before = maps.info();
    let files = open_files();
    let error = maps.batch(&client).run().unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
    assert!(error.to_string().contains("more maps than one call redirects"), "{error}");
    let entries = maps.entries();
    assert_eq!(refused(argument(&entries)), Errno::INVAL);
    for count in [65, 1 << 16, 1 << 28, u32::MAX] {
        let argument = sys::iomd_redirect_batch { count, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::INVAL);
    }
    assert_eq!(maps.info(), before);
    assert_eq!(open_files(), files);
}

#[test]
fn a_batch_of_none_is_refused() {
    let error = client().batch().run().unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
    assert!(error.to_string().contains("there are no maps"), "{error}");
    let argument = argument(&[]);
    assert_eq!(refused(argument), Errno::INVAL);
    assert_eq!(refused(sys::iomd_redirect_batch { entries: 0, ..argument }), Errno::INVAL);
}

/// Something that is wrong with an entry, and how it is refused.
type Wrong<'a> = (&'a str, Errno, Box<dyn Fn(&mut sys::iomd_batch_entry) + 'a>);

#[test]
fn one_wrong_map_is_enough_to_change_nothing() {
    const COUNT: usize = 4;
    let maps = Maps::<COUNT>::new();
    let users = maps.users();
    let client = client();
    let shared = painted(1, OLD).map().create().unwrap();
    let long = unique(&painted(2, OLD));
    let sealed = unique(&painted(1, OLD));
    let seals = sealed.reopen().unwrap();
    let mut seal = sys::iomd_map_seal { size: raw::size::<sys::iomd_map_seal>(), flags: 0 };
    raw::call(&seals, sys::IOMD_MAP_SEAL, &mut seal).unwrap();
    let read_only = maps.new[0].read_only().unwrap();
    let device = std::fs::File::open("/dev/null").unwrap();
    let other = painted(1, NEW);
    let closed = 1 << 20;
    let to = |file: &dyn AsFd| file.as_fd().as_raw_fd();

    let wrongs: [Wrong<'_>; 18] = [
        ("a map not open", Errno::BADF, Box::new(move |entry| entry.map = closed)),
        ("a map of -1", Errno::BADF, Box::new(|entry| entry.map = -1)),
        ("a map that is a descriptor", Errno::INVAL, Box::new(|entry| entry.map = to(&other))),
        ("a map that is a client", Errno::INVAL, Box::new(|entry| entry.map = to(&client))),
        ("a map that is a device", Errno::INVAL, Box::new(|entry| entry.map = to(&device))),
        ("a map that is not unique", Errno::PERM, Box::new(|entry| entry.map = to(&shared))),
        ("a map that another sealed", Errno::PERM, Box::new(|entry| entry.map = to(&sealed))),
        ("a map that is longer", Errno::RANGE, Box::new(|entry| entry.map = to(&long))),
        ("no descriptor", Errno::BADF, Box::new(|entry| entry.descriptor = -1)),
        ("a descriptor not open", Errno::BADF, Box::new(move |entry| entry.descriptor = closed)),
        (
            "a descriptor that is a map",
            Errno::INVAL,
            Box::new(|entry| entry.descriptor = to(&shared)),
        ),
        (
            "a descriptor that is a device",
            Errno::INVAL,
            Box::new(|entry| entry.descriptor = to(&device)),
        ),
        (
            "a descriptor that is read-only",
            Errno::ACCESS,
            Box::new(|entry| entry.descriptor = to(&read_only)),
        ),
        ("half a page", Errno::INVAL, Box::new(|entry| entry.offset = PAGE as u64 / 2)),
        ("a byte", Errno::INVAL, Box::new(|entry| entry.offset = 1)),
        ("beyond the end", Errno::RANGE, Box::new(|entry| entry.offset = PAGE as u64)),
        ("far beyond the end", Errno::RANGE, Box::new(|entry| entry.offset = 1 << 40)),
        (
            "beyond all",
            Errno::OVERFLOW,
            Box::new(|entry| entry.offset = u64::MAX - PAGE as u64 + 1),
        ),
    ];
    for (name, errno, spoil) in &wrongs {
        for position in 0..COUNT {
            let mut entries = maps.entries();
            spoil(&mut entries[position]);
            let before = maps.info();
            assert_eq!(refused(argument(&entries)), *errno, "{name}, at {position}");
            assert_eq!(maps.info(), before, "{name}, at {position}");
        }
    }
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), OLD + number);
    }
    for new in &maps.new {
        assert_eq!(new.info().unwrap().maps, 0, "nothing is left of what was refused");
    }
    maps.batch(&client).run().unwrap();
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), NEW + number);
    }
}

#[test]
fn a_map_that_is_there_twice_is_refused() {
    const COUNT: usize = 4;
    let maps = Maps::<COUNT>::new();
    let again = maps.maps.each_ref().map(|map| map.reopen().unwrap());
    let before = maps.info();
    for (one, again) in again.iter().enumerate() {
        for other in (0..COUNT).filter(|other| *other != one) {
            let mut entries = maps.entries();
            // By the same file, by another one; to other memory, to the same.
            for (map, new) in [
                (&maps.maps[one], &maps.new[other]),
                (again, &maps.new[other]),
                (again, &maps.new[one]),
            ] {
                entries[other] = entry(map, new);
                assert_eq!(refused(argument(&entries)), Errno::INVAL, "{one} at {other}");
            }
        }
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}

#[test]
fn what_is_unknown_is_refused() {
    let maps = Maps::<2>::new();
    let before = maps.info();
    let entries = maps.entries();
    let argument = argument(&entries);
    for bit in 0..32 {
        let bit = 1 << bit;
        if bit != sys::IOMD_REDIRECT_REFUSE_PINNED {
            let flags = sys::iomd_redirect_batch { flags: bit, ..argument };
            assert_eq!(refused(flags), Errno::INVAL, "flag {bit:#x}");
        }
        let padding = sys::iomd_redirect_batch { padding: bit, ..argument };
        assert_eq!(refused(padding), Errno::INVAL, "padding {bit:#x}");
    }
    let short = sys::iomd_redirect_batch { size: argument.size - 1, ..argument };
    assert_eq!(refused(short), Errno::INVAL);
    for file in [maps.maps[0].as_fd(), maps.new[0].as_fd()] {
        assert_eq!(raw::refused(file, sys::IOMD_REDIRECT_BATCH, argument), Errno::NOTTY);
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}
