// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory whose mappings are between guards.

use iomd::{BufferFlags, Descriptor, Errno, Guards, MapOptions, Task};
use rustix::process::getpid;

use crate::support::{Child, PAGE, Region, client, paint, painted, proc, unique, window};

const TAG: u64 = 0x0100;

fn guarded(pages: usize) -> Descriptor {
    let length = (pages * PAGE) as u64;
    let memory = client().buffer_with(length, BufferFlags::GUARDED).unwrap();
    paint(&memory, TAG);
    memory
}

#[test]
fn every_map_of_it_has_guards() {
    let memory = guarded(3);
    assert_eq!(memory.info().unwrap().length, 3 * PAGE as u64, "they are not part of it");
    for (asked, guards) in [
        (Guards::None, Guards::Small),
        (Guards::Small, Guards::Small),
        (Guards::Large, Guards::Large),
    ] {
        let map = memory.map().guards(asked).create().unwrap();
        let info = map.info().unwrap();
        assert_eq!((info.options.guards(), info.mapped_size), (guards, 3 * PAGE as u64));
        let mapping = map.mmap().unwrap();
        assert_eq!(mapping.load_u64(2 * PAGE), TAG + 2);
        let start = mapping.as_ptr().addr();
        proc::assert_guarded(getpid(), start..start + 3 * PAGE, guards.bytes());
    }
}

#[test]
fn in_another_task_as_well() {
    let memory = guarded(2);
    let map = memory.map().create().unwrap();
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        let address = parent.hear() as usize;
        Region::at(address, 2 * PAGE).write(PAGE, 7);
        proc::assert_guarded(getpid(), address..address + 2 * PAGE, PAGE);
    });
    let task: Task = child.receive();
    child.say(map.map_into(&task).run().unwrap());
    child.succeed();
    assert_eq!(window(&memory).load_u64(PAGE), 7);
}

#[test]
fn a_map_for_a_certain_place_is_refused() {
    let memory = guarded(1);
    let refused = memory.map().options(MapOptions::UNIQUE).create();
    assert_eq!(refused.map_err(|error| error.errno()).map(drop), Err(Errno::INVAL));
    assert_eq!(memory.info().unwrap().maps, 0);
}

#[test]
fn a_map_of_other_memory_keeps_what_it_has() {
    let map = unique(&painted(2, 2 * TAG));
    let mapping = map.mmap().unwrap();
    map.redirect(&guarded(2)).run().unwrap();
    assert_eq!(mapping.load_u64(PAGE), TAG + 1);
    assert_eq!(map.info().unwrap().options.guards(), Guards::None);
}
