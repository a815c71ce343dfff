// SPDX-License-Identifier: MIT OR Apache-2.0

//! Entries for pieces against entries for their pages, put in and taken away all at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::mm::Advice;

use super::{NEW, OLD, PIECE, assert_shows, large, mapped};
use crate::support::{PAGE, painted, scaled, unique};

#[test]
fn pieces_and_pages_of_the_same_place() {
    let (old, new, plain) = (large(PIECE, OLD), large(PIECE, NEW), painted(PIECE, NEW));
    let map = unique(&old);
    let region = mapped(&map);
    let done = AtomicBool::new(false);
    let known = |page: usize| {
        let word = region.read(page * PAGE);
        assert!([OLD, NEW].iter().any(|tag| tag + page as u64 == word), "page {page}: {word:#x}");
    };
    thread::scope(|scope| {
        for first in [0, 17] {
            scope.spawn({
                let (known, done) = (&known, &done);
                move || {
                    let mut page = first;
                    while !done.load(Ordering::Relaxed) {
                        known(page);
                        page = (page + 131) % PIECE;
                    }
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // It takes page tables away, too.
                region.advise(Advice::LinuxDontNeed).unwrap();
            }
        });
        for _ in 0..scaled(60) {
            for page in 0..10 {
                map.suspend_with().range((40 + page) * PAGE as u64, PAGE as u64).run().unwrap();
                map.resume().unwrap();
            }
            for memory in [&new, &plain, &old] {
                map.redirect(memory).run().unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_shows(region, OLD);
    region.unmap().unwrap();
}
