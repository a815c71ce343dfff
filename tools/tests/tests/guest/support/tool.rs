// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool, run as another process.

use std::ffi::OsString;
use std::io::{self, Write};
use std::iter;
use std::mem;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::{Child, LIMIT};

/// `iomdctl` with some arguments.
pub struct Tool {
    child: Child,
    output: OwnedFd,
    /// What it has said that was not read yet.
    said: Vec<u8>,
}

impl Tool {
    /// One whose output is a pipe.
    pub fn start(arguments: &[&str]) -> Self {
        let (output, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let child = Self::fork(arguments, || {
            dup2_stdout(&write).expect("it can be the output");
        });
        Self { child, output, said: Vec::new() }
    }

    /// One that is given an input, which fits into a pipe.
    pub fn with_input(arguments: &[&str], input: &[u8]) -> Self {
        let [(output, write), (stdin, ours)] =
            [(); 2].map(|()| pipe_with(PipeFlags::CLOEXEC).expect("a pipe"));
        assert_eq!(rustix::io::write(&ours, input), Ok(input.len()));
        drop(ours);
        let child = Self::fork(arguments, || {
            dup2_stdin(&stdin).expect("it can be the input");
            dup2_stdout(&write).expect("it can be the output");
        });
        Self { child, output, said: Vec::new() }
    }

    /// One on a terminal of so many columns and rows, at which the test sits.
    pub fn on_terminal(arguments: &[&str], columns: u16, rows: u16) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("it is ours");
        unlockpt(&terminal).expect("it can be opened");
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("it gets a size");
        let name = ptsname(&terminal, Vec::new()).expect("it has a name");
        let child = Self::fork(arguments, || {
            setsid().expect("a session begins");
            // The first terminal that a session opens is its own.
            let terminal = open(&name, OFlags::RDWR, Mode::empty()).expect("it can be opened");
            dup2_stdin(&terminal).expect("it can be the input");
            dup2_stdout(&terminal).expect("it can be the output");
            dup2_stderr(&terminal).expect("it can be the output");
        });
        Self { child, output: terminal, said: Vec::new() }
    }

    fn fork(arguments: &[&str], prepare: impl FnOnce()) -> Child {
        let words = iter::once("iomdctl").chain(arguments.iter().copied()).map(OsString::from);
        Child::fork(|channel| {
            prepare();
            channel.close_all_others();
            let status = iomdctl::run(words);
            let _ = io::stdout().flush();
            channel.say(status.into());
        })
    }

    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Kills it.
    pub fn kill(self) {
        self.child.kill();
    }

    /// Types on its terminal.
    pub fn type_keys(&self, keys: &str) {
        let written = rustix::io::write(&self.output, keys.as_bytes()).expect("it can be typed to");
        assert_eq!(written, keys.len());
    }

    /// The next line that it says.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.read_until("a line", |said| said.iter().position(|&byte| byte == b'\n'))
    }

    /// What it says up to these words.
    #[track_caller]
    pub fn until(&mut self, words: &str) -> String {
        let last = |said: &[u8]| {
            let at = said.windows(words.len()).position(|window| window == words.as_bytes())?;
            Some(at + words.len() - 1)
        };
        self.read_until(words, last)
    }

    /// Reads no more of what it says; its exit status.
    #[track_caller]
    pub fn close_output(self) -> u64 {
        drop(self.output);
        let status = self.child.hear();
        self.child.succeed();
        status
    }

    /// How its terminal is set.
    pub fn terminal(&self) -> LocalModes {
        tcgetattr(&self.output).expect("it is a terminal").local_modes
    }

    /// Its exit status, and all it says until then.
    #[track_caller]
    pub fn end(mut self) -> (u64, String) {
        let deadline = Instant::now() + LIMIT;
        while self.read_more(deadline) {}
        let status = self.child.hear();
        self.child.succeed();
        (status, String::from_utf8(self.said).expect("a text"))
    }

    #[track_caller]
    fn read_until(&mut self, what: &str, last: impl Fn(&[u8]) -> Option<usize>) -> String {
        // It may say other things without end.
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(last) = last(&self.said) {
                let rest = self.said.split_off(last + 1);
                let text = mem::replace(&mut self.said, rest);
                return String::from_utf8(text).expect("a text").trim_end().to_owned();
            }
            let more = self.read_more(deadline);
            assert!(more, "it ends without {what}: {}", String::from_utf8_lossy(&self.said));
        }
    }

    /// Waits for it to say more; whether it does.
    #[track_caller]
    fn read_more(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a short time");
        let mut files = [PollFd::new(&self.output, PollFlags::IN)];
        let ready = retry_on_intr(|| poll(&mut files, Some(&left))).expect("it can be polled");
        let said = || String::from_utf8_lossy(&self.said).into_owned();
        let in_time = ready > 0 && Instant::now() < deadline;
        assert!(in_time, "not within {LIMIT:?}; it has said: {}", said());
        let mut buffer = [0; 4096];
        match retry_on_intr(|| read(&self.output, &mut buffer)) {
            // So a terminal says that nobody is there any more.
            Ok(0) | Err(Errno::IO) => false,
            Ok(count) => {
                self.said.extend_from_slice(&buffer[..count]);
                true
            }
            Err(errno) => panic!("its output cannot be read: {errno}"),
        }
    }
}

/// Runs it; its exit status, and all it says.
#[track_caller]
pub fn run(arguments: &[&str]) -> (u64, String) {
    Tool::start(arguments).end()
}
