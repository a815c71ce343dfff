// SPDX-License-Identifier: MIT OR Apache-2.0

//! Source, target and caller in different processes.

use std::time::Duration;

use iomd::{Deadline, Errno, Inheritance, Task};
use rustix::process::Signal;

use super::{Own, TAG, assert_painted, private};
use crate::support::{Channel, Child, PAGE, Region, client, eventually, objects};

const MIB: usize = 1 << 20;

/// A process with memory, which it tells of, and then reads and writes where it is told.
fn process(pages: usize, tag: u64) -> (Child, Task, Region) {
    let child = Child::fork(|parent| {
        let region = private(pages, tag);
        parent.send(client().own_task().expect("a task opens itself"));
        parent.say(region.address() as u64);
        serve(parent);
    });
    let task = child.receive();
    let region = Region::at(child.hear() as usize, pages * PAGE);
    (child, task, region)
}

fn serve(parent: &Channel) {
    while let Some(address) = parent.listen() {
        let region = Region::at(address as usize, 8);
        match parent.hear() {
            0 => parent.say(region.read(0)),
            word => {
                region.write(0, word);
                parent.say(word);
            }
        }
    }
}

fn read(child: &Child, address: usize) -> u64 {
    child.say(address as u64);
    child.say(0);
    child.hear()
}

fn write(child: &Child, address: usize, word: u64) {
    child.say(address as u64);
    child.say(word);
    assert_eq!(child.hear(), word);
}

#[test]
fn from_another_process_into_this() {
    let own = Own::new();
    let (child, task, there) = process(2, TAG);
    let remap = own.client.remap(&task, there.address() as u64, 2 * PAGE as u64);
    let here = remap.into_task(&own.task).run().unwrap();
    let here = Region::at(here.address as usize, 2 * PAGE);
    assert_painted(here, TAG);
    write(&child, there.address() + 8, 5);
    assert_eq!(here.read(8), 5);
    here.write(16, 6);
    assert_eq!(read(&child, there.address() + 16), 6);
    // And when it is gone.
    child.kill();
    assert_painted(here, TAG);
    here.unmap().unwrap();
}

#[test]
fn from_this_process_into_another() {
    let own = Own::new();
    let (child, task, _) = process(1, 9);
    let here = private(2, TAG);
    let there = own.remap(here).into_task(&task).run().unwrap().address as usize;
    assert_eq!(read(&child, there + PAGE), TAG + 1);
    write(&child, there + 8, 5);
    assert_eq!(here.read(8), 5);
    here.unmap().unwrap();
    assert_eq!(read(&child, there), TAG);
}

#[test]
fn between_two_others() {
    let own = Own::new();
    let (source, from, there) = process(3, TAG);
    let (target, into, _) = process(1, 9);
    for copy in [false, true] {
        let remap = own.client.remap(&from, there.address() as u64, 3 * PAGE as u64);
        let remap = remap.into_task(&into).copy(copy).inheritance(Inheritance::Share);
        let address = remap.run().unwrap().address as usize;
        assert_eq!(read(&target, address + 2 * PAGE), TAG + 2);
        write(&source, there.address() + 8, 5 + u64::from(copy));
        assert_eq!(read(&target, address + 8), 5);
        write(&target, address + 16, 7);
        assert_eq!(read(&source, there.address() + 16), 7);
        write(&target, address + 16, 8);
        assert_eq!(read(&source, there.address() + 16), if copy { 7 } else { 8 });
        write(&source, there.address() + 16, 7);
    }
    source.kill();
}

#[test]
fn much_memory_that_begins_and_ends_anywhere() {
    // As a hypervisor shares a guest's memory with a helper.
    let pages = 140 * MIB / PAGE + 1;
    let own = Own::new();
    let child = Child::fork(|parent| {
        let region = Region::reserve(pages);
        region.protect(rustix::mm::MprotectFlags::READ | rustix::mm::MprotectFlags::WRITE).unwrap();
        let length = 140 * MIB - 1234;
        region.write_bytes(1000, b"first");
        region.write_bytes(1000 + length - 4, b"last");
        parent.send(client().own_task().unwrap());
        parent.say(region.address() as u64 + 1000);
        parent.say(length as u64);
        parent.hear();
        assert_eq!(region.read_bytes(2000, 3), b"new");
    });
    let task = child.receive();
    let (address, length) = (child.hear(), child.hear());
    let remap = own.client.remap(&task, address, length).into_task(&own.task).exact(true);
    let remapped = remap.run().unwrap();
    assert_eq!(remapped.address % PAGE as u64, address % PAGE as u64);
    let here = Region::at(remapped.address as usize, length as usize);
    assert_eq!(here.read_bytes(0, 5), b"first");
    assert_eq!(here.read_bytes(length as usize - 4, 4), b"last");
    here.write_bytes(1000, b"new");
    child.say(0);
    child.succeed();
    assert_eq!(here.read_bytes(0, 5), b"first");
    let start = here.address() - 1000 % PAGE;
    Region::at(start, pages * PAGE).unmap().unwrap();
}

#[test]
fn who_does_not_come_by_gets_nothing() {
    let own = Own::new();
    let (child, task, _) = process(1, TAG);
    let here = private(1, TAG);
    let before = objects();
    child.signal(Signal::STOP);
    child.await_state('T');
    let deadline = Deadline::after(Duration::from_millis(1));
    let late = own.remap(here).into_task(&task).deadline(deadline).run().unwrap_err();
    assert_eq!(late.errno(), Errno::TIMEDOUT);
    eventually("nothing is held for it", || objects() == before);
    // Its own memory is there all the same.
    child.signal(Signal::CONT);
    let there = own.remap(here).into_task(&task).run().unwrap().address as usize;
    assert_eq!(read(&child, there), TAG);
    here.unmap().unwrap();
}

#[test]
fn the_dead_have_nothing_and_get_nothing() {
    let own = Own::new();
    let (child, task, there) = process(1, TAG);
    child.kill();
    eventually("the task is dead", || task.process() == Ok(None));
    let address = there.address() as u64;
    let from = own.client.remap(&task, address, 1).into_task(&own.task);
    assert_eq!(from.run().unwrap_err().errno(), Errno::SRCH);
    let here = private(1, TAG);
    let into = own.remap(here).into_task(&task);
    assert_eq!(into.run().unwrap_err().errno(), Errno::SRCH);
    here.unmap().unwrap();
}
