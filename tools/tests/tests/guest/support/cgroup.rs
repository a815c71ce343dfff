// SPDX-License-Identifier: MIT OR Apache-2.0

//! Control groups.

use std::fs::{self, File};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, getpid};

use super::LIMIT;

const ROOT: &str = "/sys/fs/cgroup";

/// A control group, with a memory controller; removed on drop, with its processes.
pub struct Cgroup(PathBuf);

impl Cgroup {
    pub fn new(name: &str) -> Self {
        fs::write(format!("{ROOT}/cgroup.subtree_control"), "+memory")
            .expect("cgroups are mounted");
        let path = PathBuf::from(format!("{ROOT}/iomd-{name}"));
        fs::create_dir(&path).expect("a cgroup is made");
        Self(path)
    }

    /// Moves the calling process in.
    pub fn enter(&self) {
        self.take(getpid());
    }

    /// Moves a process in.
    pub fn take(&self, pid: Pid) {
        self.write("cgroup.procs", &pid.to_string());
    }

    /// The bytes charged to the group.
    pub fn charged(&self) -> u64 {
        self.read("memory.current").trim().parse().expect("a number")
    }

    /// How often something has happened to the group's memory.
    pub fn events(&self, name: &str) -> u64 {
        let table = self.read("memory.events");
        let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect("such a line").parse().expect("a number")
    }

    /// Sets the group's limit, in bytes.
    pub fn limit(&self, bytes: u64) {
        self.write("memory.max", &bytes.to_string());
    }

    /// Has the kernel give back what it can: what it keeps charged for the next who needs it, and
    /// what it has cached.
    pub fn give_back(&self) {
        for high in ["0", "max"] {
            self.write("memory.high", high);
        }
    }

    /// Freezes all processes of the group, or lets them go on, and waits until that is so.
    pub fn freeze(&self, frozen: bool) {
        let number = u8::from(frozen);
        self.write("cgroup.freeze", &number.to_string());
        let wanted = format!("frozen {number}");
        let events = File::open(self.0.join("cgroup.events")).expect("the group is there");
        let timeout = Timespec::try_from(LIMIT).expect("a short time");
        while !self.read("cgroup.events").lines().any(|line| line == wanted) {
            let mut files = [PollFd::new(&events, PollFlags::PRI)];
            let ready = retry_on_intr(|| poll(&mut files, Some(&timeout))).expect("it is pollable");
            assert!(ready > 0, "not within {LIMIT:?}: {wanted}");
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("the group is there")
    }

    fn write(&self, name: &str, value: &str) {
        fs::write(self.0.join(name), value).expect("the group is there");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A test that failed can leave processes in it.
        self.write("cgroup.kill", "1");
        let deadline = Instant::now() + LIMIT;
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// How many groups are removed and still held by what is charged to them.
pub fn dying() -> u64 {
    let table = fs::read_to_string(format!("{ROOT}/cgroup.stat")).expect("cgroups are mounted");
    let line = table.lines().find_map(|line| line.strip_prefix("nr_dying_descendants "));
    line.expect("such a line").parse().expect("a number")
}
