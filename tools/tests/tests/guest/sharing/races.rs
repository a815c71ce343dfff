// SPDX-License-Identifier: MIT OR Apache-2.0

//! Look-ups while mappings come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use iomd::Errno;

use super::{P, TAG};
use crate::support::{client, objects, painted, scaled};

#[test]
fn what_is_found_is_live_as_long_as_it_is_held() {
    let memory = painted(4, TAG);
    let task = client().own_task().unwrap();
    let before = objects();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for offset in [0, P] {
            let (memory, task, done) = (&memory, &task, &done);
            scope.spawn(move || {
                let look_up = memory.map_in_task(task).offset(offset).reference(true);
                while !done.load(Ordering::Relaxed) {
                    match look_up.clone().create() {
                        // Only its owner unmaps it: what keeps it keeps it from ending.
                        Ok(map) => assert!(!map.info().unwrap().ended),
                        Err(error) => assert_eq!(error.errno(), Errno::NOENT),
                    }
                }
            });
        }
        for _ in 0..scaled(500) {
            let map = memory.map().create().unwrap();
            let mapping = map.mmap().unwrap();
            drop(map);
            drop(mapping);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(objects(), before);
}
