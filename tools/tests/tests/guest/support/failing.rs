// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that the kernel asks for and does not get, as a debug kernel can arrange it.

use std::fs::{self, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::module;

/// The calling thread's switch for that.
pub struct Failing(File);

impl Failing {
    /// Whatever the kernel allocates, counts.
    pub fn anywhere() -> Self {
        Self::among(0..u64::MAX)
    }

    /// What the module allocates, or others for it, counts.
    pub fn in_module() -> Self {
        Self::among(module::addresses())
    }

    /// What is allocated with one of these addresses on the stack, counts.
    fn among(addresses: Range<u64>) -> Self {
        for kind in ["failslab", "fail_page_alloc"] {
            // It may wait, as a rule.
            set(kind, "ignore-gfp-wait", "N");
            set(kind, "require-start", &addresses.start.to_string());
            set(kind, "require-end", &addresses.end.to_string());
            set(kind, "verbose", "0");
        }
        set("fail_page_alloc", "ignore-gfp-highmem", "N");
        set("fail_page_alloc", "min-order", "0");
        // Copies from and to user space do not count: nothing ever runs there.
        set("fail_usercopy", "stacktrace-depth", "0");
        set("fail_usercopy", "require-start", "1");
        let switch = OpenOptions::new().read(true).write(true).open("/proc/thread-self/fail-nth");
        Self(switch.expect("this is a debug kernel"))
    }

    /// Does something while the kernel's `nth` allocation in this thread fails, counted from 1.
    /// Whether there were so many.
    pub fn during<T>(&self, nth: u32, work: impl FnOnce() -> T) -> (T, bool) {
        let number = nth.to_string();
        let mut left = [0; 16];
        self.arm(&number);
        let done = work();
        let length = self.0.read_at(&mut left, 0).expect("the switch can be read");
        self.arm("0");
        (done, &left[..length] == b"0\n")
    }

    fn arm(&self, number: &str) {
        self.0.write_all_at(number.as_bytes(), 0).expect("the switch can be set");
    }
}

fn set(kind: &str, setting: &str, value: &str) {
    let path = format!("/sys/kernel/debug/{kind}/{setting}");
    fs::write(path, value).expect("this is a debug kernel");
}
