// SPDX-License-Identifier: MIT OR Apache-2.0

//! What /proc tells.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Pid;

/// The state of a process's first thread, as ps(1) shows it; `X` if it is gone.
pub fn state(pid: Pid) -> char {
    thread_state(pid, pid)
}

/// The state of a thread.
pub fn thread_state(pid: Pid, thread: Pid) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat")).unwrap_or_default();
    // The name before it may contain anything.
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).unwrap_or('X')
}

/// The function of the kernel in which a process's first thread sleeps.
pub fn place(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default()
}

/// A line of /proc/meminfo, in bytes.
pub fn memory(name: &str) -> u64 {
    let table = fs::read_to_string("/proc/meminfo").expect("/proc is mounted");
    let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a line of kilobytes");
    value.parse::<u64>().expect("a number") << 10
}

/// The objects in use of each kind that the kernel's allocator knows.
pub fn slab_objects() -> BTreeMap<String, i64> {
    let table = fs::read_to_string("/proc/slabinfo").expect("/proc is mounted");
    // Two lines of heading.
    let lines = table.lines().skip(2);
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().expect("a name").to_owned();
            (name, words.next().expect("a count").parse().expect("a number"))
        })
        .collect()
}

/// Whether some process has a mapping there.
pub fn is_mapped(pid: Pid, address: usize) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    maps.lines().any(|line| {
        let (range, _) = line.split_once(' ').expect("a range of addresses");
        let (start, end) = range.split_once('-').expect("a range of addresses");
        let number = |word| usize::from_str_radix(word, 16).expect("a number");
        (number(start)..number(end)).contains(&address)
    })
}
