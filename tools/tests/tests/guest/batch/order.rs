// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who sees the new memory of one map does not see the old memory of another any more.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use rustix::process::Signal;

use super::{A, Arena, B, spin};
use crate::support::{Child, End, LIMIT, client, scaled};

#[test]
fn nobody_sees_new_memory_and_then_old() {
    let arena = Arena::new();
    let client = client();
    let reader = arena.reader();
    for number in 1..=scaled(2000) {
        arena.redirect(&client, arena.number(number));
        spin("the reader sees it", || arena.progress() == number || !reader.is_silent());
        assert!(reader.is_silent(), "batch {number}: old memory is seen after new");
    }
    assert_eq!(reader.kill(), End::Killed(Signal::KILL));
}

#[test]
fn or_else_this_test_sees_it() {
    let arena = Arena::new();
    let reader = arena.reader();
    let start = Instant::now();
    for number in 1.. {
        arena.redirect_singly(arena.number(number));
        spin("the reader sees it", || arena.progress() == number || !reader.is_silent());
        if !reader.is_silent() {
            break;
        }
        assert!(start.elapsed() < LIMIT, "{number} single redirects have never been seen");
    }
    reader.hear();
    reader.succeed();
}

/// A process that writes rising numbers, each to A and then to B.
fn writer(arena: &Arena) -> Child {
    arena.process(|[a, b]| {
        for number in 1.. {
            a.store_u64_ordered(0, number, SeqCst);
            b.store_u64_ordered(0, number, SeqCst);
            arena.progress.store_u64_ordered(0, number, SeqCst);
        }
        0
    })
}

#[test]
fn both_memories_are_left_at_the_same_moment() {
    let arena = Arena::new();
    let client = client();
    let writer = writer(&arena);
    for time in 0..scaled(2000) {
        let next = (time + 1) as usize % 2;
        arena.redirect(&client, next);
        let [a, b] = [A, B].map(|map| arena.windows[map][1 - next].load_u64_ordered(0, SeqCst));
        assert!(a == b || a == b + 1, "batch {time}: A was left at {a} and B at {b}");
        let seen = arena.progress();
        spin("the writer goes on", || arena.progress() > seen + 1);
        let after = [A, B].map(|map| arena.windows[map][1 - next].load_u64_ordered(0, SeqCst));
        assert_eq!(after, [a, b], "batch {time}: memory is written that was left");
    }
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

#[test]
fn or_else_that_test_sees_it() {
    let arena = Arena::new();
    let writer = writer(&arena);
    arena.maps[A].redirect(&arena.memories[A][1]).run().unwrap();
    let seen = arena.progress();
    spin("the writer goes on", || arena.progress() > seen + 1);
    arena.maps[B].redirect(&arena.memories[B][1]).run().unwrap();
    let [a, b] = [A, B].map(|map| arena.windows[map][0].load_u64_ordered(0, SeqCst));
    assert!(b > a, "A was left at {a} and B at {b}");
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}
