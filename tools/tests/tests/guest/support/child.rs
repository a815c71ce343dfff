// SPDX-License-Identifier: MIT OR Apache-2.0

//! Other processes, forked from the test.
//!
//! Whatever may wait for ever, or be killed by what it touches, is done in one, so that a test that
//! fails leaves nothing behind and takes no other with it.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal,
    set_parent_process_death_signal, waitid,
};

use super::{Channel, LIMIT, eventually, proc};

/// The exit status of a child whose work panicked.
const PANICKED: i32 = 101;

/// A forked process, killed at the latest on drop.
pub struct Child {
    pid: Pid,
    handle: OwnedFd,
    channel: Channel,
    reaped: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Killed(Signal),
    /// Killed, with a core dump.
    Dumped(Signal),
}

impl Child {
    /// Forks a process that does the work, told and telling through the channel, and then exits
    /// with status 0. It has all files of the test open, and those of its memory that are inherited.
    pub fn fork(work: impl FnOnce(&Channel)) -> Self {
        let (ours, theirs) = Channel::pair();
        // SAFETY: a child of several threads may do little. Here the only other thread is libtest's,
        // which waits for this one and holds no lock.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", io::Error::last_os_error()),
            0 => {
                drop(ours);
                run(work, &theirs)
            }
            pid => {
                let pid = Pid::from_raw(pid).expect("a process has a number");
                let handle = pidfd_open(pid, PidfdFlags::empty()).expect("the child is there");
                Self { pid, handle, channel: ours, reaped: false }
            }
        }
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What it says can be waited for there, and its end.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    pub fn say(&self, word: u64) {
        self.channel.say(word);
    }

    /// The next word the child says.
    #[track_caller]
    pub fn hear(&self) -> u64 {
        self.await_word();
        match self.channel.listen() {
            Some(word) => word,
            None => panic!("the child is gone: {:?}", self.peek_end()),
        }
    }

    /// The next word the child says. `None` if it ends without one.
    #[track_caller]
    pub fn listen(&self) -> Option<u64> {
        self.await_word();
        self.channel.listen()
    }

    /// How the child's system call ended.
    #[track_caller]
    pub fn hear_outcome(&self) -> Result<u64, Errno> {
        match (self.hear(), self.hear()) {
            (0, word) => Ok(word),
            (_, errno) => Err(Errno::from_raw_os_error(errno as i32)),
        }
    }

    pub fn send(&self, file: impl std::os::fd::AsFd) {
        self.channel.send(file);
    }

    #[track_caller]
    pub fn receive<T: From<OwnedFd>>(&self) -> T {
        self.await_word();
        self.channel.receive()
    }

    /// Whether the child has said nothing that was not heard yet, and lives.
    pub fn is_silent(&self) -> bool {
        !self.channel.is_ready(Duration::ZERO)
    }

    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.handle, signal).expect("the child can be signalled");
    }

    /// Waits until the child has ended.
    #[track_caller]
    pub fn end(mut self) -> End {
        assert!(self.has_ended(LIMIT), "process {} has not ended after {LIMIT:?}", self.pid);
        self.reaped = true;
        self.wait(WaitIdOptions::EXITED)
    }

    /// Kills the child; how it ended.
    #[track_caller]
    pub fn kill(self) -> End {
        self.signal(Signal::KILL);
        self.end()
    }

    /// Waits until the child has ended, with all its work done.
    #[track_caller]
    pub fn succeed(self) {
        assert_eq!(self.end(), End::Exited(0));
    }

    /// Waits until the child's first thread is in that state, as ps(1) shows it.
    #[track_caller]
    pub fn await_state(&self, state: char) {
        let what = format!("process {} is in state {state}", self.pid);
        eventually(&what, || proc::state(self.pid) == state);
    }

    fn has_ended(&self, within: Duration) -> bool {
        let timeout = Timespec::try_from(within).expect("a short time");
        let mut files = [PollFd::new(&self.handle, PollFlags::IN)];
        retry_on_intr(|| poll(&mut files, Some(&timeout))).expect("a pidfd can be polled") > 0
    }

    #[track_caller]
    fn await_word(&self) {
        assert!(
            self.channel.is_ready(LIMIT),
            "process {} has said nothing for {LIMIT:?}; it is in state {}, at {}",
            self.pid,
            proc::state(self.pid),
            proc::place(self.pid)
        );
    }

    fn peek_end(&self) -> Option<End> {
        self.has_ended(LIMIT).then(|| self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOWAIT))
    }

    fn wait(&self, options: WaitIdOptions) -> End {
        let id = WaitId::Pid(self.pid);
        let status = retry_on_intr(|| waitid(id.clone(), options)).expect("it is our child");
        let status = status.expect("it has ended");
        if let Some(code) = status.exit_status() {
            return End::Exited(code);
        }
        let signal = status.terminating_signal().and_then(Signal::from_named_raw);
        let signal = signal.expect("what did not exit was killed by a signal that has a name");
        if status.dumped() { End::Dumped(signal) } else { End::Killed(signal) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        // It may have ended by itself.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        if self.has_ended(LIMIT) {
            self.wait(WaitIdOptions::EXITED);
        } else {
            let place = proc::place(self.pid);
            let _ = writeln!(io::stderr(), "process {} cannot be killed; at {place}", self.pid);
        }
    }
}

fn run(work: impl FnOnce(&Channel), channel: &Channel) -> ! {
    // Where a test has ended, its children have too.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // What libtest captures would stay in this process.
    panic::set_hook(Box::new(|panic| {
        let _ = writeln!(io::stderr(), "in a child: {panic}");
    }));
    let done = panic::catch_unwind(AssertUnwindSafe(|| work(channel)));
    // SAFETY: nothing of the test's is to be cleaned up twice.
    unsafe { libc::_exit(if done.is_ok() { 0 } else { PANICKED }) }
}
