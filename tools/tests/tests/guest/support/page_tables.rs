// SPDX-License-Identifier: MIT OR Apache-2.0

//! Page-table entries, as they are in memory.
//!
//! No file of the kernel's shows them whole. So a probe looks at them: /proc/self/pagemap makes the
//! kernel walk to an entry, and the probe reads what the entry's address leads to.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{PAGE, Region};

const TRACING: &str = "/sys/kernel/tracing";
const PROBE: &str = "iomd_tests/entry";

/// The right to look at page tables. There can be one at a time.
pub struct PageTables(());

impl PageTables {
    pub fn open() -> Self {
        // What a test that failed has left.
        close();
        let walk = "pte_offset_map_lock address=$arg3 value=+0($retval):x64";
        append("kprobe_events", &format!("r:{PROBE} {walk}"));
        append(&format!("events/{PROBE}/enable"), "1");
        Self(())
    }

    /// The entries for this process's pages of a region, each of which has been touched.
    #[track_caller]
    pub fn entries(&self, region: Region) -> Vec<u64> {
        let pages = || (region.address()..region.address() + region.len()).step_by(PAGE);
        let map = File::open("/proc/self/pagemap").expect("/proc is mounted");
        File::create(tracing("trace")).expect("root may trace");
        for address in pages() {
            let place = (address / PAGE * 8) as u64;
            map.read_exact_at(&mut [0; 8], place).expect("each page has an entry");
        }
        let trace = fs::read_to_string(tracing("trace")).expect("root may trace");
        let value = |address| {
            let wanted = format!(" address={address:#x} value=0x");
            let line = trace.lines().find_map(|line| Some(line.split_once(&wanted)?.1));
            let value = line.unwrap_or_else(|| panic!("no entry for {address:#x}:\n{trace}"));
            u64::from_str_radix(value, 16).expect("a number")
        };
        pages().map(value).collect()
    }
}

impl Drop for PageTables {
    fn drop(&mut self) {
        close();
    }
}

fn close() {
    let probes = fs::read_to_string(tracing("kprobe_events")).expect("the kernel has probes");
    if probes.contains(PROBE) {
        append(&format!("events/{PROBE}/enable"), "0");
        append("kprobe_events", &format!("-:{PROBE}"));
    }
}

fn append(file: &str, line: &str) {
    let mut file = File::options().append(true).open(tracing(file)).expect("root may trace");
    file.write_all(line.as_bytes()).expect("the kernel takes it");
}

fn tracing(file: &str) -> impl AsRef<Path> {
    Path::new(TRACING).join(file)
}
