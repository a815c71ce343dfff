// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whose memory is taken when a copy is under way, and how long objects that may be taken live.

use std::time::Instant;

use iomd::{Errno, Purgeable};

use super::{TAG, set, squeeze, state};
use crate::support::copier::{Copier, pages};
use crate::support::{
    LIMIT, PAGE, assert_painted, buffer, client, objects, paint, painted, window,
};

#[test]
fn memory_that_is_being_copied_stays() {
    let (source, target) = (painted(pages(), TAG), buffer(pages()));
    let start = Instant::now();
    loop {
        for memory in [&source, &target] {
            assert_eq!(set(memory, Purgeable::Volatile), Ok(Purgeable::NonVolatile));
        }
        window(&target).store_u64(0, 0);
        let copier = Copier::of(&source, &target);
        squeeze();
        let taken = [&source, &target].map(state);
        let refused = [&source, &target].map(|memory| set(memory, Purgeable::Empty));
        let in_time = copier.is_under_way();
        assert_eq!(copier.finish(), Ok(0));
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
