// SPDX-License-Identifier: MIT OR Apache-2.0

//! While a copy is under way: other calls on the same memory, and the end of who makes it.

use std::time::Instant;

use iomd::{Descriptor, Errno, Map};
use rustix::process::Signal;

use super::{NEW, OLD};
use crate::support::copier::{Copier, pages};
use crate::support::{
    Child, End, LIMIT, PAGE, User, assert_painted, buffer, paint, painted, proc, unique, window,
};

/// What `work` does while the source is copied. It is done again until it was over before the copy.
#[track_caller]
fn meanwhile<T>(source: &Descriptor, target: &Descriptor, mut work: impl FnMut() -> T) -> T {
    let start = Instant::now();
    loop {
        paint(target, NEW);
        let copier = Copier::of(source, target);
        let done = work();
        let in_time = copier.is_under_way();
        copier.finish().unwrap();
        if in_time {
            return done;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

fn errno<T>(result: iomd::Result<T>) -> Result<(), Errno> {
    result.map(drop).map_err(|error| error.errno())
}

#[test]
fn other_copies_to_or_of_its_target_are_refused() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let other = painted(4, NEW);
    let page = PAGE as u64;
    let last = (pages() as u64 - 1) * page;
    let busy = Err(Errno::BUSY);
    let refused = meanwhile(&source, &target, || {
        [
            errno(source.copy_to(&target).run()),
            // The last page, which it has not come to.
            errno(source.copy_to(&target).range(0, page).target_offset(last).run()),
            errno(other.copy_to(&target).target_offset(last - 3 * page).run()),
            errno(target.copy_to(&other).range(last, page).run()),
            // What is copied cannot be written.
            errno(other.copy_to(&source).run()),
            errno(target.copy_to(&source).run()),
        ]
    });
    assert_eq!(refused, [busy; 6]);
    assert_painted(&other, NEW);
    assert_painted(&source, OLD);
    assert_painted(&target, OLD);
    // And nothing is left of that.
    other.copy_to(&source).run().unwrap();
    target.copy_to(&source).run().unwrap();
}

#[test]
fn nobody_begins_to_write_what_is_copied() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let other = painted(4, NEW);
    let (map, reader) =
        (unique(&other), other.map().unique(true).read_only(true).create().unwrap());
    let before = map.info().unwrap();
    let memory = map.mmap().unwrap();
    let outcomes = meanwhile(&source, &target, || {
        let writable = errno(source.map().create());
        let redirected = errno(map.redirect(&source).offset(PAGE as u64).run());
        let seen = memory.load_u64(0);
        let readable =
            source.map().read_only(true).create().map(|map| map.mmap().unwrap().load_u64(PAGE));
        let watching = errno(reader.redirect(&source).run());
        (writable, redirected, seen, readable, watching)
    });
    assert_eq!(
        outcomes,
        (Err(Errno::BUSY), Err(Errno::BUSY), NEW, Ok(OLD + 1), Ok(())),
        "a writable map, a redirected one, what that one shows still, and read-only ones"
    );
    let after = map.info().unwrap();
    assert_eq!((after.generation, after.redirects), (before.generation, before.redirects));
    // And nothing is left of that.
    map.redirect(&source).run().unwrap();
    assert_eq!(memory.load_u64(0), OLD);
}

#[test]
fn memory_that_is_not_copied_is_nothing_to_it() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let half = (pages() / 2 * PAGE) as u64;
    let last = half + half - PAGE as u64;
    let outside = source.map().unique(true).offset(last).create().unwrap();
    let outside = outside.mmap().unwrap();
    let start = Instant::now();
    loop {
        paint(&target, NEW);
        let copier = Copier::begin(&target, || source.copy_to(&target).range(0, half).run());
        outside.store_u64(8, 7);
        let map = source.map().offset(half).create().unwrap();
        map.mmap().unwrap().store_u64(8, 9);
        let copied = buffer(1).copy_to(&target).target_offset(last).run().unwrap();
        let in_time = copier.is_under_way();
        assert_eq!(copier.finish(), Ok(0));
        assert_eq!(copied.maps, 0);
        assert_eq!(window(&target).load_u64(last as usize), 0);
        if in_time {
            break;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
    }
}

#[test]
fn two_copies_of_one_memory_both_succeed() {
    let (source, one, other) =
        (painted(pages(), OLD), painted(pages(), NEW), painted(pages(), NEW));
    let map = unique(&source);
    let user = User::of(&map);
    user.read(0);
    let seen = window(&other);
    let start = Instant::now();
    loop {
        paint(&one, NEW);
        paint(&other, NEW);
        let first = Copier::of(&source, &one);
        let second = Child::fork(|parent| {
            let copied = source.copy_to(&other).run();
            parent.say_outcome(copied.map(|copied| copied.maps).map_err(|error| error.errno()));
        });
        // It copies as well, or waits in its call.
        while seen.load_u64(0) == NEW && proc::state(second.pid()) != 'D' {
            assert!(start.elapsed() < LIMIT, "the second copy does not begin");
        }
        let at_once = first.is_under_way();
        assert_eq!(first.finish(), Ok(1));
        assert_eq!(second.hear_outcome(), Ok(1));
        second.succeed();
        if at_once {
            break;
        }
        assert!(start.elapsed() < LIMIT, "the first copy is always over before");
    }
    assert_painted(&one, OLD);
    assert_painted(&other, OLD);
    user.write(0, 7);
    assert_eq!(window(&source).load_u64(0), 7);
}

/// Maps of all kinds, each with a process that uses it: the page that it begins with, and whether
/// it may write.
fn users(source: &Descriptor) -> Vec<(Map, User, u64, bool)> {
    let last = pages() as u64 - 1;
    [(0, false), (0, true), (last, false), (1, false)]
        .into_iter()
        .map(|(page, read_only)| {
            let builder = source.map().unique(true).read_only(read_only);
            let map = builder.offset(page * PAGE as u64).create().unwrap();
            let user = User::of(&map);
            assert_eq!(user.read(0), OLD + page);
            (map, user, page, !read_only)
        })
        .collect()
}

#[test]
fn who_is_killed_in_the_middle_leaves_all_as_it_was() {
    for resume_on_target in [false, true] {
        let start = Instant::now();
        loop {
            let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
            let users = users(&source);
            let before: Vec<_> = users.iter().map(|(map, ..)| map.info().unwrap()).collect();
            let copier = Copier::begin(&target, || {
                source.copy_to(&target).resume_on_target(resume_on_target).run()
            });
            for (_, user, ..) in &users {
                user.begin_read(0);
            }
            let end = copier.kill();
            let reads: Vec<_> = users.iter().map(|(_, user, ..)| user.finish()).collect();
            if window(&target).load_u64((pages() - 1) * PAGE) != NEW + pages() as u64 - 1 {
                // It was over before.
                assert!(start.elapsed() < LIMIT, "nobody is ever killed in the middle");
                continue;
            }
            assert_eq!(end, End::Killed(Signal::KILL));
            for (((map, user, page, writes), before), read) in users.iter().zip(before).zip(reads) {
                let after = map.info().unwrap();
                assert!(!after.suspended && !after.ended);
                assert_eq!(after.descriptor_id, source.id().unwrap());
                assert_eq!(
                    (after.generation, after.redirects, after.offset),
                    (before.generation, before.redirects, before.offset)
                );
                assert_eq!(read, OLD + page, "it goes on with what was there");
                if *writes {
                    user.write(8, 7 + page);
                    let place = *page as usize * PAGE + 8;
                    assert_eq!(window(&source).load_u64(place), 7 + page);
                    assert_eq!(window(&target).load_u64(place), 0);
                }
            }
            assert_painted(&source, OLD);

            // And nothing is left of it.
            source.copy_to(&target).resume_on_target(true).run().unwrap();
            assert_painted(&target, OLD);
            assert_eq!(users[0].1.read(8), 7);
            break;
        }
    }
}
