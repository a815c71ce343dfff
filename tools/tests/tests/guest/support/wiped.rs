// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that somebody else had before.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Child, LIMIT, PAGE, Region, proc, run_on};

/// Asserts that memory is zeros which a process makes as another process had made memory before,
/// written to and given back: at least some of it must be the very page frames.
pub fn assert_wiped(make: impl Fn() -> Region) {
    let start = Instant::now();
    loop {
        // On one processor, which gives out first what it has got back last.
        let writer = Child::fork(|parent| {
            run_on(0);
            let region = make();
            for offset in (0..region.len()).step_by(8) {
                region.write(offset, !0);
            }
            let frames = proc::frames(region);
            parent.say(frames.len() as u64);
            frames.into_iter().for_each(|frame| parent.say(frame));
        });
        let count = writer.hear();
        assert_ne!(count, 0);
        let used: BTreeSet<u64> = (0..count).map(|_| writer.hear()).collect();
        writer.succeed();

        let reader = Child::fork(|parent| {
            run_on(0);
            let region = make();
            for offset in (0..region.len()).step_by(8) {
                assert_eq!(region.read(offset), 0, "at byte {offset:#x}");
            }
            let frames = proc::frames(region);
            assert_eq!(frames.len(), region.len() / PAGE, "each page is there, and is another");
            parent.say(frames.intersection(&used).count() as u64);
        });
        let again = reader.hear();
        reader.succeed();
        if again > 0 {
            return;
        }
        assert!(start.elapsed() < LIMIT, "no page frame comes again");
    }
}
