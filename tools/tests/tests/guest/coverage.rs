// SPDX-License-Identifier: MIT OR Apache-2.0

//! A debug kernel tells which of the module's code a call runs through: what a fuzzer goes by.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

use iomd::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use crate::support::region::last_errno;
use crate::support::{PAGE, Region, buffer, client, module, unique};

/// KCOV, for the calling thread.
struct Coverage {
    file: File,
    /// A count, and as many addresses.
    trace: Region,
}

const INIT_TRACE: u64 = 0x8008_6301;
const ENABLE: u64 = 0x6364;
const DISABLE: u64 = 0x6365;

/// In words.
const TRACE: usize = 1 << 16;

impl Coverage {
    fn new() -> Self {
        let file = OpenOptions::new().read(true).write(true).open("/sys/kernel/debug/kcov");
        let file = file.expect("this is a debug kernel");
        set(&file, INIT_TRACE, TRACE).expect("it is new");
        let both = ProtFlags::READ | ProtFlags::WRITE;
        let trace = Region::map(&file, 0, TRACE * 8, both, MapFlags::SHARED).expect("it is there");
        Self { file, trace }
    }

    /// The places in the kernel that this runs through, of those that tell.
    fn of(&self, work: impl FnOnce()) -> BTreeSet<u64> {
        set(&self.file, ENABLE, 0).expect("nobody else traces this thread");
        self.trace.write(0, 0);
        work();
        let count = self.trace.read(0) as usize;
        set(&self.file, DISABLE, 0).expect("it was enabled");
        assert!(count + 1 < TRACE, "the trace was cut off");
        (1..=count).map(|place| self.trace.read(place * 8)).collect()
    }
}

impl Drop for Coverage {
    fn drop(&mut self) {
        self.trace.unmap().expect("it is mapped");
    }
}

fn set(file: &File, request: u64, argument: usize) -> Result<(), Errno> {
    // SAFETY: KCOV's calls take a number.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), request, argument) };
    if done == 0 { Ok(()) } else { Err(last_errno()) }
}

#[test]
#[ignore = "needs the debug kernel"]
fn calls_and_accesses_leave_a_trace() {
    let (client, module) = (client(), module::addresses());
    let memory = buffer(1);
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    let coverage = Coverage::new();
    let traces = [
        coverage.of(|| drop(client.features().unwrap())),
        coverage.of(|| drop(memory.map().offset(PAGE as u64).create().unwrap_err())),
        coverage.of(|| drop(memory.map().create().unwrap())),
        coverage.of(|| assert_eq!(mapping.load_u64(0), 0)),
    ];
    for (number, trace) in traces.iter().enumerate() {
        let of_module = trace.iter().filter(|place| module.contains(place)).count();
        println!("{number}: {of_module} of {} places are the module's", trace.len());
        let others = traces.iter().enumerate().filter(|&(other, _)| other != number);
        assert!(of_module > 0);
        for (other, others) in others {
            assert!(
                !trace.is_subset(others),
                "{number} runs through nothing but what {other} does"
            );
        }
    }
    // A refused call runs through less.
    assert!(traces[1].len() < traces[2].len());
}
