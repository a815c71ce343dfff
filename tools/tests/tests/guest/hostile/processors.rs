// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processors that come and go.

use std::fs;
use std::io;

use crate::support::{Child, User, await_waiters, painted, run_on, unique, unique_shared};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// The last processor, unplugged; plugged in again on drop.
struct Unplugged;

fn set(online: bool) -> io::Result<()> {
    fs::write("/sys/devices/system/cpu/cpu1/online", if online { "1" } else { "0" })
}

impl Unplugged {
    fn new() -> Self {
        set(false).expect("the processor can be unplugged");
        Self
    }
}

impl Drop for Unplugged {
    fn drop(&mut self) {
        set(true).expect("it was there");
    }
}

#[test]
fn who_waits_on_one_that_is_unplugged_goes_on_on_another() {
    let map = unique_shared(&painted(1, OLD));
    let user = User::with(|| {
        run_on(1);
        map.mmap().unwrap().into()
    });
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    let unplugged = Unplugged::new();
    map.redirect(&painted(1, NEW)).run().unwrap();
    assert_eq!(user.finish(), NEW);
    drop(unplugged);
    user.into_child().kill();
}

#[test]
fn maps_are_switched_while_one_comes_and_goes() {
    let memories = [painted(1, OLD), painted(1, NEW)];
    let map = unique(&memories[0]);
    let user = User::of(&map);
    let controller = Child::fork(|parent| {
        parent.say(0);
        for turn in 0.. {
            map.redirect(&memories[turn % 2]).run().unwrap();
            if parent.is_ready(std::time::Duration::ZERO) {
                return;
            }
        }
    });
    controller.hear();
    for _ in 0..3 {
        let unplugged = Unplugged::new();
        assert!([OLD, NEW].contains(&user.read(0)));
        drop(unplugged);
        assert!([OLD, NEW].contains(&user.read(0)));
    }
    controller.say(0);
    controller.succeed();
    user.into_child().kill();
}
