// SPDX-License-Identifier: MIT OR Apache-2.0

//! The task is gone, or has other memory by now: what is pinned stays what it was.

use iomd::{AddressRange, Descriptor, Direction, Errno, Task};
use rustix::process::Signal;

use super::{leaves_no_pin, painted_memory};
use crate::support::{Channel, Child, End, PAGE, assert_painted, client, eventually};

const PAGES: usize = 3;
const TAG: u64 = 0x0900;

/// A process with painted memory, and that memory. It does `work` when it is told to.
fn source(work: impl FnOnce(&Channel, crate::support::Region)) -> (Child, Task, Descriptor) {
    let child = Child::fork(|parent| {
        let region = painted_memory(PAGES, TAG);
        parent.send(client().own_task().unwrap());
        parent.say(region.address() as u64);
        parent.hear();
        work(parent, region);
    });
    let task: Task = child.receive();
    let range = AddressRange { address: child.hear(), length: (PAGES * PAGE) as u64 };
    let memory = client().address_range(&task, range, Direction::InOut).unwrap();
    (child, task, memory)
}

#[test]
fn the_memory_of_a_process_that_is_gone_stays() {
    let ends: [fn(&Channel, crate::support::Region); 3] = [
        |_, _| (),
        |_, _| {
            // SAFETY: the arguments are strings that end, and the lists end too.
            unsafe {
                libc::execv(c"/bin/busybox".as_ptr(), [c"true".as_ptr(), std::ptr::null()].as_ptr())
            };
        },
        |parent, region| {
            region.unmap().unwrap();
            region.fill().unwrap();
            parent.say(0);
            parent.listen();
        },
    ];
    for (how, end) in ["exit", "exec", "munmap"].into_iter().zip(ends) {
        leaves_no_pin(|| {
            let (child, task, memory) = source(end);
            memory.prepare(None).unwrap();
            child.say(0);
            match how {
                "exit" => child.succeed(),
                "exec" => assert_eq!(child.end(), End::Exited(0)),
                _ => {
                    child.hear();
                    drop(child);
                }
            }
            eventually("the process is gone", || task.process().unwrap().is_none());
            assert_painted(&memory, TAG);
            memory.complete().unwrap();
            // Now there is nothing any more to be had.
            for _ in 0..2 {
                assert_eq!(memory.prepare(None).unwrap_err().errno(), Errno::SRCH, "{how}");
                assert_eq!(memory.map().create().unwrap_err().errno(), Errno::SRCH, "{how}");
            }
        });
    }
}

#[test]
fn of_a_dead_task_there_is_no_descriptor() {
    let (child, task, memory) = source(|_, _| ());
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
    let range = AddressRange { address: PAGE as u64, length: 1 };
    let made = client().address_range(&task, range, Direction::Out);
    assert_eq!(made.unwrap_err().errno(), Errno::SRCH);
    assert_eq!(memory.prepare(None).unwrap_err().errno(), Errno::SRCH);
}

#[test]
fn descriptor_and_maps_go_in_any_order() {
    for order in 0..6 {
        leaves_no_pin(|| {
            let (child, task, memory) = source(|_, _| ());
            let map = memory.map().create().unwrap();
            let mapped = map.mmap().unwrap();
            assert_eq!(mapped.load_u64(0), TAG);
            let (mut memory, mut map, mut mapped) = (Some(memory), Some(map), Some(mapped));
            let mut child = Some(child);
            for step in 0..3 {
                match (order / 2 + step * (1 + order % 2)) % 3 {
                    0 => drop(memory.take()),
                    1 => drop(map.take()),
                    _ => drop((mapped.take(), child.take())),
                }
                if let (Some(mapped), Some(_)) = (&mapped, &map) {
                    assert_eq!(mapped.load_u64(PAGE), TAG + 1);
                }
            }
            drop(task);
        });
    }
}
