// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mapping into other processes, and what becomes of the right to it.

mod mapping;
mod options;
mod rights;
mod set_uid;
mod unreachable;

use iomd::Task;

use crate::support::{Channel, Child, Region, client};

const TAG: u64 = 0x0100;

/// A process that hands out the right to map into it, and then reads and writes where it is told, until
/// nobody tells it any more.
fn target() -> (Child, Task) {
    target_after(|| ())
}

/// As [`target`], after it has prepared itself.
fn target_after(prepare: impl FnOnce()) -> (Child, Task) {
    let child = Child::fork(|parent| {
        prepare();
        parent.send(client().own_task().expect("a task opens itself"));
        serve(parent);
    });
    let task = child.receive();
    (child, task)
}

fn serve(parent: &Channel) {
    while let Some(address) = parent.listen() {
        let region = Region::at(address as usize, 8);
        let word = parent.hear();
        if word != 0 {
            region.write(0, word);
        }
        parent.say(region.read(0));
    }
}

/// Has it read the word there.
#[track_caller]
fn read(target: &Child, address: u64) -> u64 {
    begin_read(target, address);
    target.hear()
}

fn begin_read(target: &Child, address: u64) {
    target.say(address);
    target.say(0);
}

/// Has it write a word that is not 0.
#[track_caller]
fn write(target: &Child, address: u64, word: u64) {
    target.say(address);
    target.say(word);
    assert_eq!(target.hear(), word);
}
