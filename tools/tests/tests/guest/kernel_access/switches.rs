// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's accesses during a switch, which is short, and so holds up those of the unprivileged too.

use std::time::Instant;

use iomd::Errno;

use super::{NEW, OLD};
use crate::support::copier::{Copier, pages};
use crate::support::kernel_mode::{self, DONE};
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::{Child, LIMIT, await_waiters, paint, painted, unique_shared};

#[test]
fn who_waited_for_one_does_not_wait_on_in_a_suspension() {
    let (source, target) = (painted(pages(), OLD), painted(pages(), NEW));
    let map = unique_shared(&source);
    let (_, lose) = WITHOUT_PTRACE[0];
    let start = Instant::now();
    let mut refused = 0;
    while refused < 3 {
        paint(&target, NEW);
        let copier = Copier::of(&source, &target);
        let waiter = kernel_mode::access(&map, kernel_mode::read);
        await_waiters(&map, 1);
        // Has its turn right after the copy, which wakes the waiter.
        let suspender = Child::fork(|_| {
            lose();
            map.suspend().unwrap();
        });
        suspender.await_state('D');
        copier.finish().unwrap();
        suspender.succeed();
        let outcome = waiter.hear_outcome();
        waiter.succeed();
        map.resume().unwrap();
        match outcome {
            Err(error) => {
                assert_eq!(error, Errno::FAULT);
                refused += 1;
            }
            // It was faster.
            Ok(done) => assert_eq!(done, DONE),
        }
        assert!(start.elapsed() < LIMIT, "it always wakes before the suspension");
    }
}
