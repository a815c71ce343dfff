// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bytes that are written while the memory is copied.

use std::hint;
use std::time::Instant;

use iomd::{Access, Descriptor};
use rustix::process::Signal;

use super::{NEW, OLD, read};
use crate::support::copier::{Copier, pages};
use crate::support::{
    Child, End, LIMIT, PAGE, assert_painted, buffer, paint, painted, proc, scaled, window,
};

/// Somebody who copies all of the source.
fn copier(source: &Descriptor, target: &Descriptor) -> Copier {
    paint(target, NEW);
    Copier::of(source, target)
}

/// Somebody who writes a word there, and tells how many bytes came of it.
fn writer(memory: &Descriptor, offset: usize) -> Child {
    Child::fork(|parent| {
        parent.say(memory.write_bytes(offset as u64, &NEW.to_ne_bytes()).unwrap() as u64);
    })
}

/// Waits until a writer waits, or is done.
fn await_wait(writer: &Child) {
    while proc::state(writer.pid()) != 'D' && writer.is_silent() {
        hint::spin_loop();
    }
}

#[test]
fn a_write_waits_for_the_copy_and_a_read_does_not() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let last = (pages() - 1) * PAGE;
    let start = Instant::now();
    loop {
        let copier = copier(&source, &target);
        let writer = writer(&source, last);
        await_wait(&writer);
        let seen = read(&source, last, 8);
        let waited = writer.is_silent() && copier.is_under_way();
        copier.finish().unwrap();
        assert_eq!(writer.hear(), 8);
        writer.succeed();
        if waited {
            // Whole, as it was before.
            assert_eq!(seen, (OLD + pages() as u64 - 1).to_ne_bytes());
            assert_painted(&target, OLD);
            assert_eq!(window(&source).load_u64(last), NEW);
            break;
        }
        paint(&source, OLD);
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

#[test]
fn a_write_waits_by_whichever_descriptor_the_memory_is_copied_or_written() {
    let (parent, target) = (painted(pages() + 1, OLD), painted(pages(), NEW));
    let sub = parent.sub(PAGE as u64, 0, Access::ReadWrite).unwrap();
    let other = parent.sub(0, 0, Access::ReadWrite).unwrap();
    let last = pages() * PAGE;
    let start = Instant::now();
    loop {
        paint(&parent, OLD);
        let copier = copier(&sub, &target);
        let writers = [&parent, &other].map(|memory| writer(memory, last));
        writers.iter().for_each(await_wait);
        // What is not copied is not waited for.
        assert_eq!(parent.write_bytes(8, &[7]).unwrap(), 1);
        let waited = writers.iter().all(Child::is_silent) && copier.is_under_way();
        copier.finish().unwrap();
        for writer in writers {
            assert_eq!(writer.hear(), 8);
            writer.succeed();
        }
        if waited {
            assert_painted(&target, OLD + 1);
            assert_eq!(window(&parent).load_u64(last), NEW);
            break;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

#[test]
fn who_is_killed_while_he_waits_has_written_nothing() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let last = (pages() - 1) * PAGE;
    let start = Instant::now();
    loop {
        let copier = copier(&source, &target);
        let writer = writer(&source, last);
        await_wait(&writer);
        let waited = writer.is_silent();
        let end = writer.kill();
        let in_time = waited && copier.is_under_way();
        copier.finish().unwrap();
        if in_time {
            assert_eq!(end, End::Killed(Signal::KILL));
            assert_painted(&source, OLD);
            break;
        }
        paint(&source, OLD);
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

#[test]
fn what_is_not_copied_is_written_at_once() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let half = pages() / 2 * PAGE;
    let start = Instant::now();
    loop {
        paint(&target, NEW);
        let part = || source.copy_to(&target).range(0, half as u64).run();
        let copier = Copier::begin(&target, part);
        // And so is the target, as through its maps.
        let outside = source.write_bytes(half as u64, &[7]).unwrap();
        let to_target = target.write_bytes(half as u64, &[7]).unwrap();
        let in_time = copier.is_under_way();
        assert_eq!((outside, to_target), (1, 1));
        assert_eq!(copier.finish(), Ok(0));
        if in_time {
            break;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

#[test]
fn copies_are_never_torn_by_writers_of_bytes() {
    // A writer makes both ends of the memory the same number, first the one, then the other; a copy of
    // one moment has numbers that differ by one at most.
    const PAGES: usize = 64;
    let (source, target) = (buffer(PAGES), buffer(PAGES));
    let last = ((PAGES - 1) * PAGE) as u64;
    let writer = Child::fork(|_| {
        for number in 1_u64.. {
            for offset in [0, last] {
                source.write_bytes(offset, &number.to_ne_bytes()).unwrap();
            }
        }
    });
    let number = |at: u64| {
        let bytes = read(&target, at as usize, 8);
        u64::from_ne_bytes(bytes.try_into().unwrap())
    };
    let mut seen = 0;
    let mut moments = 0;
    let start = Instant::now();
    // Copies of one and the same moment prove nothing. The copy is from the first page to the last; torn, the
    // last would be far ahead.
    while moments < scaled(200) {
        source.copy_to(&target).run().unwrap();
        let (first, last) = (number(0), number(last));
        assert!(first == last || first == last + 1, "{first} and {last}");
        moments += u64::from(first != seen);
        seen = first;
        assert!(start.elapsed() < LIMIT, "the writer writes");
    }
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}
