// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map that is larger than the machine: in a guest of its own.

use std::fs;

use iomd::Mapping;
use rustix::process::Signal;

use crate::support::{Child, End, PAGE, Region, client, proc, signals, unique};

const GIB: usize = 1 << 30;

/// How many processes the kernel has killed for want of memory.
fn killed() -> String {
    let table = fs::read_to_string("/proc/vmstat").expect("/proc is mounted");
    table.lines().find(|line| line.starts_with("oom_kill ")).expect("such a line").to_owned()
}

#[test]
#[ignore = "needs a guest with little memory"]
fn a_gibibyte_is_given_as_far_as_it_goes_and_then_sigbus() {
    let total = proc::memory("MemTotal") as usize;
    if total > GIB {
        println!("this guest has more memory than that");
        return;
    }
    let before = (killed(), proc::memory("MemAvailable"));
    let given = Mapping::anonymous(PAGE).unwrap();
    // It alone has the memory: while somebody had it beyond that, nobody else would get any.
    let child = Child::fork(|_| {
        let map = unique(&client().sparse_buffer(GIB as u64).unwrap());
        let region = Region::from(map.mmap().unwrap());
        // A handler would have to be given a stack.
        signals::die_of(Signal::BUS);
        for place in (0..GIB).step_by(PAGE) {
            region.write(place, place as u64);
            given.store_u64(0, (place + PAGE) as u64);
        }
    });
    assert_eq!(child.end(), End::Killed(Signal::BUS));
    let given = given.load_u64(0);
    assert_eq!(killed(), before.0, "nobody else has suffered");
    assert!(given > total as u64 / 2, "{given} of {total} bytes");
    let after = proc::memory("MemAvailable");
    println!("of {} MiB {} were given, and came back", total >> 20, given >> 20);
    assert!(after + (16 << 20) > before.1, "{after} of {} bytes are free again", before.1);
}
