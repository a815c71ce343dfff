// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory of others: of a task, of a file, of a device. It stays as long as a descriptor needs it, and
//! no longer.

mod every_way;
mod fragments;
mod gone;
mod limits;
mod lockdown;
mod memfd;
mod parts;
mod persistent;
pub(crate) mod physical;
mod prepare;
mod rights;
mod source;
mod unpinnable;

use std::fs;

use iomd::{AddressRange, Descriptor, Direction, Task};

use crate::support::{PAGE, Region, client};

/// Anonymous memory of this process, of so many pages.
pub fn memory(pages: usize) -> Region {
    let region = Region::reserve(pages);
    region.protect(rustix::mm::MprotectFlags::READ | rustix::mm::MprotectFlags::WRITE).unwrap();
    region
}

/// That, each page beginning with `tag` plus its number.
fn painted_memory(pages: usize, tag: u64) -> Region {
    let region = memory(pages);
    for page in 0..pages {
        region.write(page * PAGE, tag + page as u64);
    }
    region
}

pub fn range(region: Region) -> AddressRange {
    AddressRange { address: region.address() as u64, length: region.len() as u64 }
}

pub fn own_task() -> Task {
    client().own_task().unwrap()
}

/// A region of this process as a descriptor.
fn descriptor(region: Region, direction: Direction) -> Descriptor {
    client().address_range(&own_task(), range(region), direction).unwrap()
}

/// How many pages are pinned in the whole system.
fn pinned() -> i64 {
    // Each processor counts for itself, until it is asked.
    fs::read("/proc/sys/vm/stat_refresh").expect("root may refresh the counts");
    let table = fs::read_to_string("/proc/vmstat").expect("/proc is mounted");
    let count = |name| {
        let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|count| count.parse::<i64>().ok()).expect("a count")
    };
    count("nr_foll_pin_acquired") - count("nr_foll_pin_released")
}

/// Asserts that the work leaves no page pinned.
#[track_caller]
fn leaves_no_pin<T>(work: impl FnOnce() -> T) -> T {
    let before = pinned();
    let done = work();
    assert_eq!(pinned(), before, "pages stay pinned");
    done
}
