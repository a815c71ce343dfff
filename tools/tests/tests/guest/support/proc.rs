// SPDX-License-Identifier: MIT OR Apache-2.0

//! What /proc tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::process::Pid;

use super::{PAGE, Region};

/// The state of a process's first thread, as ps(1) shows it; `X` if it is gone.
pub fn state(pid: Pid) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
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

/// A line of /proc/PID/maps.
pub struct Mapped {
    pub addresses: Range<usize>,
    /// As `rw-s`.
    pub rights: String,
    pub name: String,
}

/// What a process has mapped.
pub fn mappings(pid: Pid) -> Vec<Mapped> {
    let table = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    let lines = table.lines();
    lines
        .map(|line| {
            let (range, rest) = line.split_once(' ').expect("a range of addresses");
            let (start, end) = range.split_once('-').expect("a range of addresses");
            let number = |word| usize::from_str_radix(word, 16).expect("a number");
            // Rights, offset, device and inode come before the name.
            let words: Vec<_> = rest.splitn(5, ' ').collect();
            let [rights, _, _, _, name] = words[..] else { panic!("five words: {rest}") };
            let addresses = number(start)..number(end);
            Mapped { addresses, rights: rights.to_owned(), name: name.trim().to_owned() }
        })
        .collect()
}

/// How many bytes a process has mapped so that nobody can reach them.
pub fn inaccessible(pid: Pid) -> usize {
    let all = mappings(pid).into_iter().filter(|mapping| mapping.rights == "---p");
    all.map(|mapping| mapping.addresses.len()).sum()
}

/// Asserts that a process has so many bytes mapped on each side of those addresses, which nobody can
/// reach.
#[track_caller]
pub fn assert_guarded(pid: Pid, addresses: Range<usize>, guard: usize) {
    let mappings = mappings(pid);
    for page in (0..guard).step_by(PAGE) {
        for address in [addresses.start - PAGE - page, addresses.end + page] {
            let there = mappings.iter().find(|mapping| mapping.addresses.contains(&address));
            assert_eq!(there.map(|mapping| &*mapping.rights), Some("---p"), "{address:#x}");
        }
    }
}

/// Whether a process has something mapped there.
pub fn is_mapped(pid: Pid, address: usize) -> bool {
    mappings(pid).iter().any(|mapping| mapping.addresses.contains(&address))
}

/// The numbers of the page frames that this process sees in a region.
pub fn frames(region: Region) -> BTreeSet<u64> {
    const PRESENT: u64 = 1 << 63;
    const FRAME: u64 = (1 << 55) - 1;
    let map = File::open("/proc/self/pagemap").expect("/proc is mounted");
    let mut entries = vec![0; region.len() / PAGE * 8];
    let first = (region.address() / PAGE * 8) as u64;
    map.read_exact_at(&mut entries, first).expect("each page has an entry");
    let entries = entries
        .chunks_exact(8)
        .map(|entry| u64::from_ne_bytes(entry.try_into().expect("eight bytes")));
    entries.filter(|entry| entry & PRESENT != 0).map(|entry| entry & FRAME).collect()
}
