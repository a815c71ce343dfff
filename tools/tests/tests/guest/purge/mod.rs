// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that may be taken away: the four states of setPurgeable, and who takes it when.

mod empty;
mod others;
mod pressure;
mod race;
mod states;

use std::fs;

use iomd::{Descriptor, Errno, Map, Purgeable};
use rustix::process::Signal;

use crate::support::{End, User};

const TAG: u64 = 0x0100;

/// Has the kernel take whatever it may.
fn squeeze() {
    fs::write("/proc/sys/vm/drop_caches", "2").expect("root may");
}

fn set(memory: &Descriptor, state: Purgeable) -> Result<Purgeable, Errno> {
    memory.set_purgeable(state).map_err(|error| error.errno())
}

fn state(memory: &Descriptor) -> Purgeable {
    memory.info().unwrap().purgeable
}

/// Asserts that who reads, and who writes, gets SIGBUS.
#[track_caller]
fn assert_refused(map: &Map) {
    let [reader, writer] = [User::of(map), User::of(map)];
    reader.begin_read(0);
    assert_eq!(reader.into_child().end(), End::Killed(Signal::BUS));
    writer.begin_write(0, 1);
    assert_eq!(writer.into_child().end(), End::Killed(Signal::BUS));
}
