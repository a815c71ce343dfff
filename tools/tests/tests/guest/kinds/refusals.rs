// SPDX-License-Identifier: MIT OR Apache-2.0

//! What cannot be made, and what may not be done with what was made.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{Access, Client, Descriptor, Errno};
use iomd_sys::{IOMD_MULTI_CREATE, IOMD_NESTING_MAX, IOMD_PARTS_MAX, iomd_multi_create};

use super::{KINDS, PAGES, bytes_of};
use crate::support::raw::{refused, size};
use crate::support::{PAGE, buffer, client, objects, painted, unique};

#[track_caller]
fn errno(made: iomd::Result<Descriptor>) -> Errno {
    made.expect_err("it is refused").errno()
}

#[test]
fn a_range_beyond_the_parent() {
    for kind in &KINDS {
        let sample = (kind.painted)(1);
        let length = bytes_of(PAGES);
        for (offset, length, expected) in [
            (length, 0, Errno::RANGE),
            (length, 1, Errno::RANGE),
            (length - 1, 2, Errno::RANGE),
            (0, length + 1, Errno::RANGE),
            (1, u64::MAX, Errno::OVERFLOW),
            (u64::MAX, 1, Errno::OVERFLOW),
        ] {
            let refused = sample.memory.sub(offset, length, Access::ReadWrite);
            assert_eq!(errno(refused), expected, "{}: {length} from {offset}", kind.name);
        }
        let last = sample.memory.sub(length - 1, 0, Access::ReadWrite).unwrap();
        assert_eq!(last.info().unwrap().length, 1);
    }
}

#[test]
fn parts_that_are_none_or_not_alike() {
    let before = objects();
    let memory = buffer(2);
    let reader = memory.read_only().unwrap();
    for make in [
        |parts: &[&Descriptor]| client().multi(parts),
        |parts: &[&Descriptor]| client().interleaved(parts, PAGE as u64),
    ] {
        assert_eq!(errno(make(&[])), Errno::INVAL);
        assert_eq!(errno(make(&[&memory, &reader])), Errno::INVAL);
        assert_eq!(errno(make(&[&reader, &memory])), Errno::INVAL);
        let many = vec![&memory; Client::MOST_PARTS + 1];
        assert_eq!(errno(make(&many)), Errno::INVAL);
        assert_eq!(make(&many[1..]).unwrap().info().unwrap().parts, u64::from(IOMD_PARTS_MAX));
    }
    let argument = |fd: &i32, count| iomd_multi_create {
        size: size::<iomd_multi_create>(),
        descriptors: std::ptr::from_ref(fd) as u64,
        count,
        ..Default::default()
    };
    let call = |argument| refused(client(), IOMD_MULTI_CREATE, argument);
    assert_eq!(call(argument(&-1, 1)), Errno::BADF);
    let map = unique(&memory);
    assert_eq!(call(argument(&map.as_fd().as_raw_fd(), 1)), Errno::INVAL);
    assert_eq!(call(iomd_multi_create { descriptors: 1, ..argument(&0, 1) }), Errno::FAULT);
    drop((map, memory, reader));
    assert_eq!(objects(), before);
}

#[test]
fn stripes_that_do_not_come_out_even() {
    let (long, short) = (buffer(4), buffer(2));
    let part = |offset, length| long.sub(offset, length, Access::ReadWrite).unwrap();
    let page = PAGE as u64;
    for (parts, granularity) in [
        ([&long, &short], page),
        ([&long, &long], 0),
        ([&long, &long], page - 1),
        ([&long, &long], page + 8),
        ([&long, &long], 3 * page),
        ([&part(8, page), &part(8, page)], page),
        ([&part(0, page + 1), &part(0, page + 1)], page),
    ] {
        assert_eq!(errno(client().interleaved(&parts, granularity)), Errno::INVAL);
    }
    let joint = client().multi(&[&part(0, 1), &part(0, page - 1)]).unwrap();
    assert_eq!(joint.info().unwrap().length, page);
    assert_eq!(errno(client().interleaved(&[&joint, &joint], page)), Errno::INVAL);
}

#[test]
fn too_deep_and_too_much() {
    let deepest = (0..IOMD_NESTING_MAX)
        .fold(buffer(1), |parent, _| parent.sub(0, 0, Access::ReadWrite).unwrap());
    assert_eq!(unique(&deepest).mmap().unwrap().load_u64(0), 0);
    assert_eq!(errno(deepest.sub(0, 0, Access::ReadWrite)), Errno::LOOP);
    assert_eq!(errno(client().multi(&[&buffer(1), &deepest])), Errno::LOOP);
    let memory = buffer(1);
    let wide = client().multi(&vec![&memory; Client::MOST_PARTS / 2 - 1]).unwrap();
    let wider = client().multi(&[&wide, &wide]).unwrap();
    assert_eq!(errno(client().multi(&[&wider])), Errno::LOOP);
    assert_eq!(errno(client().guard(0)), Errno::INVAL);
    assert_eq!(errno(client().guard(u64::MAX)), Errno::OVERFLOW);
    let longest = client().guard(1 << 63).unwrap();
    assert_eq!(errno(client().multi(&[&longest, &memory])), Errno::OVERFLOW);
    assert_eq!(errno(client().interleaved(&[&longest, &longest], PAGE as u64)), Errno::OVERFLOW);
}

#[test]
fn what_may_only_be_read_is_not_written() {
    for kind in &KINDS {
        let sample = (kind.painted)(7);
        let reader = sample.memory.read_only().unwrap();
        assert_eq!(errno(reader.sub(0, 0, Access::ReadWrite)), Errno::ACCESS);
        let part = reader.sub(0, 0, Access::ReadOnly).unwrap();
        let joined = client().multi(&[&reader, &part]).unwrap();
        for memory in [&part, &joined] {
            assert!(memory.info().unwrap().read_only, "{}", kind.name);
            let refused = memory.map().create().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS, "{}", kind.name);
            let map = memory.map().read_only(true).unique(true).create().unwrap();
            assert_eq!(map.mmap().unwrap().load_u64(0), 7, "{}", kind.name);
            // No way leads around it.
            assert_eq!(errno(memory.sub(0, 0, Access::ReadWrite)), Errno::ACCESS);
            let again = memory.reopen(Access::ReadWrite).unwrap();
            assert_eq!(again.map().create().unwrap_err().errno(), Errno::ACCESS);
            let refused = painted(PAGES, 1).copy_to(memory).run().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS, "{}", kind.name);
            let writer = unique(&painted(PAGES, 1));
            let refused = writer.redirect(memory).run().unwrap_err();
            assert_eq!(refused.errno(), Errno::ACCESS, "{}", kind.name);
            memory.copy_to(&buffer(2 * PAGES)).run().unwrap();
        }
    }
}
