// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that someone holds while they are copied: they may be written meanwhile.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};

use iomd::Errno;
use rustix::pipe::pipe;

use super::{NEW, OLD};
use crate::support::pin::Pin;
use crate::support::{PAGE, Region, User, assert_painted, painted, unique, window};

const PAGES: usize = 8;

/// Puts memory into a pipe, which then holds its pages.
fn spliced(memory: Region) -> File {
    let (reader, writer): (OwnedFd, OwnedFd) = pipe().unwrap();
    let part = libc::iovec { iov_base: memory.as_ptr(), iov_len: memory.len() };
    // SAFETY: a region is nothing of Rust's.
    let length = unsafe { libc::vmsplice(writer.as_raw_fd(), &part, 1, 0) };
    assert_eq!(length, memory.len() as isize);
    reader.into()
}

#[test]
fn are_counted() {
    let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&source);
    let memory = map.mmap().unwrap();
    let region = Region::from(&memory);
    assert_eq!(source.copy_to(&target).run().unwrap().pinned, 0);
    let ring = Pin::of(region.pages(1..4));
    assert_eq!(source.copy_to(&target).run().unwrap().pinned, 3);
    let mut pipe = spliced(region.pages(3..5));
    assert_eq!(source.copy_to(&target).run().unwrap().pinned, 4, "one of them twice");
    // Only those that are copied count.
    let copy = source.copy_to(&target).range(4 * PAGE as u64, 0);
    assert_eq!(copy.run().unwrap().pinned, 1);
    let copy = source.copy_to(&target).range(5 * PAGE as u64, 0).refuse_pinned(true);
    assert_eq!(copy.run().unwrap().pinned, 0);
    drop(ring);
    assert_eq!(source.copy_to(&target).run().unwrap().pinned, 2);
    let mut page = [0; PAGE];
    pipe.read_exact(&mut page).unwrap();
    assert_eq!(u64::from_ne_bytes(page[..8].try_into().unwrap()), OLD + 3);
    drop(pipe);
    assert_eq!(source.copy_to(&target).refuse_pinned(true).run().unwrap().pinned, 0);
    assert_painted(&target, OLD);
}

#[test]
fn of_the_target_are_nothing_to_it() {
    let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let memory = unique(&target).mmap().unwrap();
    drop(memory);
    let map = target.map().keep(true).create().unwrap();
    let memory = map.mmap().unwrap();
    let _pin = Pin::of(Region::from(&memory));
    let copied = source.copy_to(&target).refuse_pinned(true).run().unwrap();
    assert_eq!(copied.pinned, 0);
    assert_painted(&target, OLD);
}

#[test]
fn keep_the_copy_from_being_made_if_that_is_asked_for() {
    for resume_on_target in [false, true] {
        for hold in ["io_uring", "a pipe"] {
            let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
            let maps = [unique(&source), unique(&source)];
            let users = maps.each_ref().map(User::of);
            let memory = maps[0].mmap().unwrap();
            let last = Region::from(&memory).pages(PAGES - 1..PAGES);
            let (ring, pipe) = match hold {
                "io_uring" => (Some(Pin::of(last)), None),
                _ => (None, Some(spliced(last))),
            };
            let before = maps.each_ref().map(|map| map.info().unwrap());
            let refused = {
                let copy = source.copy_to(&target).refuse_pinned(true);
                copy.resume_on_target(resume_on_target).run()
            };
            assert_eq!(refused.unwrap_err().errno(), Errno::BUSY, "{hold}");
            assert_eq!(maps.each_ref().map(|map| map.info().unwrap()), before, "{hold}");
            assert_painted(&target, NEW);
            for (user, value) in users.iter().zip(7..) {
                user.write(8, value);
                assert_eq!(window(&source).load_u64(8), value, "{hold}");
            }

            drop((ring, pipe));
            let copy = source.copy_to(&target).refuse_pinned(true);
            let window = window(&target);
            let copied = copy.resume_on_target(resume_on_target).run().unwrap();
            assert_eq!((copied.maps, copied.pinned), (2, 0), "{hold}");
            assert_eq!(window.load_u64(8), 8);
        }
    }
}

#[test]
fn are_those_of_the_source_after_a_move() {
    // The documented limit: who holds a page reaches the memory that was left.
    let (source, target) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&source);
    let memory = map.mmap().unwrap();
    let mut pipe = spliced(Region::from(&memory).pages(0..1));
    assert_eq!(source.copy_to(&target).resume_on_target(true).run().unwrap().pinned, 1);
    memory.store_u64(0, 7);
    let mut page = [0; PAGE];
    pipe.read_exact(&mut page).unwrap();
    assert_eq!(u64::from_ne_bytes(page[..8].try_into().unwrap()), OLD);
    assert_eq!(window(&target).load_u64(0), 7);
}
