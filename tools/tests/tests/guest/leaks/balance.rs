// SPDX-License-Identifier: MIT OR Apache-2.0

//! Figures that are to be as they were.
//!
//! The kernel keeps much of what is freed, for the next who wants it: objects and pages in lists of
//! each processor, charges in steps of many pages, whatever waits until no reader can have it. All
//! that is given back first, as far as the kernel can be asked to.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use crate::support::cgroup::Cgroup;
use crate::support::{Child, LIMIT, PAGE, client, objects, proc};

/// By how many objects of a kind, or pages, more may be in use: less than one leak in a hundred of
/// [`ROUNDS`](super::ROUNDS) comes to, and more than the 60 objects of one of a processor's lists,
/// which begins to fill again as soon as it was emptied.
pub const TOLERANCE: i64 = 70;

/// Of so many readings the least counts, since to read takes objects too, the first time, and since
/// a list of a processor's may be full by chance; a debug kernel has no such lists.
fn readings() -> usize {
    if is_debug_kernel() { 2 } else { 5 }
}

/// Not counted on a kernel with kmemleak: what debugging takes of them grows all the time. There
/// kmemleak looks for what is left behind.
pub const PAGES: &str = "pages in use";
pub const CHARGED: &str = "pages charged to the group";
pub const FILES: &str = "open files";
pub const OBJECTS: &str = "objects of iomd";
const EXACT: [&str; 2] = [FILES, OBJECTS];

/// A group of processes, one of which only charges something to it when told.
///
/// What is freed of a group's while a processor's own list of charges is in use goes to a sum of the
/// group's, which nobody looks at before something is charged to the group again. (A hundred pages
/// came together there in ten thousand rounds, of objects that RCU frees.)
pub struct Group {
    member: Child,
    cgroup: Cgroup,
}

impl Group {
    pub fn new(name: &str) -> Self {
        let cgroup = Cgroup::new(name);
        let member = Child::fork(|parent| {
            cgroup.enter();
            let client = client();
            loop {
                parent.hear();
                client.buffer(1).expect("a page can be had");
                parent.say(0);
            }
        });
        Self { member, cgroup }
    }

    /// Moves the calling process in.
    pub fn enter(&self) {
        self.cgroup.enter();
    }
}

/// What is in use more, and how much.
pub type Growth = BTreeMap<String, i64>;

/// What is in use, by what it is.
pub struct Balance(BTreeMap<String, i64>);

impl Balance {
    /// What is in use now, in the system and by the processes of the group.
    pub fn now(group: &Group) -> Self {
        let mut least = Self::read(group);
        for _ in 1..readings() {
            for (name, count) in Self::read(group).0 {
                let least = least.0.entry(name).or_insert(count);
                *least = count.min(*least);
            }
        }
        least
    }

    /// Waits until no more is in use than then, within the tolerance. If it does not come to that,
    /// what is in use more.
    pub fn restored(&self, group: &Group, tolerance: i64) -> Growth {
        let deadline = Instant::now() + LIMIT;
        loop {
            let growth = Self::now(group).growth(self, tolerance);
            if growth.is_empty() || Instant::now() > deadline {
                return growth;
            }
        }
    }

    /// What is in use more than then. Files and objects are counted exactly.
    pub fn growth(&self, then: &Self, tolerance: i64) -> Growth {
        let growth = self.0.iter().filter_map(|(name, now)| {
            let tolerance = if EXACT.contains(&name.as_str()) { 0 } else { tolerance };
            let more = now - then.0.get(name).unwrap_or(&0);
            (more > tolerance).then(|| (name.clone(), more))
        });
        growth.collect()
    }

    fn read(group: &Group) -> Self {
        let pages = |bytes: u64| (bytes / PAGE as u64) as i64;
        settle(group);
        let mut figures = slab_objects();
        let others = [
            (CHARGED, pages(group.cgroup.charged())),
            (FILES, open_files()),
            (OBJECTS, objects().len() as i64),
        ];
        figures.extend(others.map(|(name, count)| (name.to_owned(), count)));
        if pages_count() {
            figures.insert(PAGES.to_owned(), -free_pages());
        }
        Self(figures)
    }
}

/// Whether [`PAGES`] are counted.
pub fn pages_count() -> bool {
    !is_debug_kernel()
}

/// Whether the kernel has kmemleak.
pub fn is_debug_kernel() -> bool {
    Path::new("/sys/kernel/debug/kmemleak").exists()
}

/// Has the kernel give back what it keeps.
fn settle(group: &Group) {
    fs::write("/proc/sys/vm/drop_caches", "3").expect("root may");
    fs::write("/sys/module/rcutree/parameters/do_rcu_barrier", "1").expect("root may");
    group.member.say(0);
    group.member.hear();
    group.cgroup.give_back();
}

/// The objects in use in each of the allocator's caches, without those that it keeps ready.
fn slab_objects() -> BTreeMap<String, i64> {
    let caches = fs::read_dir("/sys/kernel/slab").expect("/sys is mounted");
    let open = |entry: io::Result<DirEntry>| File::create(entry?.path().join("shrink"));
    let caches: Vec<_> = caches.map(|entry| open(entry).expect("it can be shrunk")).collect();
    for mut cache in caches {
        cache.write_all(b"1").expect("it can be shrunk");
    }
    let mut objects = proc::slab_objects();
    // The addresses of stacks of threads that have ended, given back in large steps.
    objects.remove("vmap_area");
    // What a debug kernel notes about objects.
    objects.retain(|name, _| !name.starts_with("kmemleak_") && name != "debug_objects_cache");
    objects
}

/// Free pages, with those in the lists of the processors.
fn free_pages() -> i64 {
    // Adds up what the processors have counted.
    fs::read("/proc/sys/vm/stat_refresh").expect("/proc is mounted");
    let zones = fs::read_to_string("/proc/zoneinfo").expect("/proc is mounted");
    let counts = zones.lines().filter_map(|line| {
        let count =
            line.trim().strip_prefix("nr_free_pages ").or(line.trim().strip_prefix("count:"));
        count.map(|count| count.trim().parse::<i64>().expect("a number"))
    });
    counts.sum()
}

/// Open files of all processes.
fn open_files() -> i64 {
    let numbers = fs::read_to_string("/proc/sys/fs/file-nr").expect("/proc is mounted");
    numbers.split('\t').next().and_then(|number| number.parse().ok()).expect("a number")
}
