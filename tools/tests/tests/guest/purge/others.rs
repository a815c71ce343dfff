// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whose memory is taken when a copy is under way, and how long objects that may be taken live.

use std::hint;
use std::time::Instant;

use iomd::{Errno, Purgeable};

use super::{TAG, set, squeeze, state};
use crate::support::{
    Child, LIMIT, PAGE, assert_painted, buffer, client, objects, paint, painted, window,
};

/// Pages enough for a copy to take a while.
const PAGES: usize = (64 << 20) / PAGE;

#[test]
fn memory_that_is_being_copied_stays() {
    let (source, target) = (painted(PAGES, TAG), buffer(PAGES));
    let start = Instant::now();
    loop {
        for memory in [&source, &target] {
            assert_eq!(set(memory, Purgeable::Volatile), Ok(Purgeable::NonVolatile));
        }
        let begun = window(&target);
        begun.store_u64(0, 0);
        let copier = Child::fork(|parent| {
            let copied = source.copy_to(&target).run();
            parent.say_outcome(copied.map(|_| 0).map_err(|error| error.errno()));
        });
        while begun.load_u64(0) == 0 {
            assert!(start.elapsed() < LIMIT, "the copy does not begin");
            hint::spin_loop();
        }
        squeeze();
        let taken = [&source, &target].map(state);
        let refused = [&source, &target].map(|memory| set(memory, Purgeable::Empty));
        let in_time = copier.is_silent();
        assert_eq!(copier.hear_outcome(), Ok(0));
        copier.succeed();
        if in_time {
            assert_eq!(taken, [Purgeable::Volatile; 2]);
            assert_eq!(refused, [Err(Errno::BUSY); 2]);
            break;
        }
        assert!(start.elapsed() < LIMIT, "the copy is always over before");
        for memory in [&source, &target] {
            set(memory, Purgeable::NonVolatile).unwrap();
        }
        paint(&source, TAG);
    }
    assert_painted(&target, TAG);
    squeeze();
    assert_eq!([&source, &target].map(state), [Purgeable::Empty; 2], "now it goes");
}

#[test]
fn volatile_objects_go_as_all_others() {
    let before = objects();
    for _ in 0..100 {
        let memories = [buffer(1), client().sparse_buffer(PAGE as u64).unwrap()];
        for memory in &memories {
            set(memory, Purgeable::Volatile).unwrap();
        }
    }
    assert_eq!(objects(), before);
    squeeze();
    // One without a page is not worth taking.
    let untouched = client().sparse_buffer(PAGE as u64).unwrap();
    set(&untouched, Purgeable::Volatile).unwrap();
    squeeze();
    assert_eq!(set(&untouched, Purgeable::NonVolatile), Ok(Purgeable::Volatile));
}
