// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel says in its log.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

/// The log from the moment on at which this is made.
pub struct KernelLog(File);

impl KernelLog {
    pub fn from_now_on() -> Self {
        let mut options = OpenOptions::new();
        let log = options.read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg");
        let mut log = log.expect("the log can be read");
        log.seek(SeekFrom::End(0)).expect("the log has an end");
        Self(log)
    }

    /// What was said since.
    pub fn messages(mut self) -> Vec<String> {
        // A message that has no end is shown only when the next begins.
        const END: &str = "<7>the log was read up to here\n";
        fs::write("/dev/kmsg", END).expect("the log can be written");
        let mut messages = Vec::new();
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(length) => {
                    messages.push(String::from_utf8_lossy(&record[..length]).into_owned());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // EPIPE: the log was overrun, which is a message too.
                Err(error) => messages.push(error.to_string()),
            }
        }
        assert!(messages.pop().is_some_and(|last| last.ends_with(&END[3..])), "{messages:?}");
        messages
    }
}
