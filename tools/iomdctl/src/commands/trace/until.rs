// SPDX-License-Identifier: MIT OR Apache-2.0

//! How long it goes on: until a signal comes, or a command ends.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Child, ExitStatus};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::pipe;

/// What was waited for.
pub enum Ended {
    /// There are events.
    No,
    Command,
    Signal(Signal),
}

/// The signals that end a program, one pipe each.
pub struct Signals(Vec<(Signal, UnixStream)>);

impl Signals {
    /// From now on none of them does, until the caller has looked.
    pub fn catch() -> Result<Self> {
        let catch = |number| {
            let (read, write) = UnixStream::pair()?;
            pipe::register(number, write)?;
            read.set_nonblocking(true)?;
            let signal = Signal::from_named_raw(number).expect("it has a name");
            Ok((signal, read))
        };
        let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().map(catch);
        Ok(Self(all.collect::<std::io::Result<_>>().context("cannot catch signals")?))
    }

    /// Waits until there is something to read, a signal has come, or the command has ended.
    pub fn wait(&self, events: &impl AsFd, command: &mut Command) -> Result<Ended> {
        let mut files = vec![PollFd::new(events, PollFlags::IN)];
        files.extend(self.0.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)));
        files.extend(command.handle().map(|handle| PollFd::new(handle, PollFlags::IN)));
        match poll(&mut files, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).context("cannot wait for events"),
        }
        for (signal, mut pipe) in self.0.iter().map(|(signal, pipe)| (signal, pipe)) {
            match pipe.read(&mut [0]) {
                Ok(_) => return Ok(Ended::Signal(*signal)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("cannot tell whether a signal came"),
            }
        }
        Ok(if command.has_ended()? { Ended::Command } else { Ended::No })
    }
}

/// A command, if there is one.
pub struct Command(Option<Running>);

struct Running {
    child: Child,
    handle: OwnedFd,
    status: Option<ExitStatus>,
}

impl Command {
    pub fn start(words: &[OsString]) -> Result<Self> {
        let [program, arguments @ ..] = words else {
            return Ok(Self(None));
        };
        let child = process::Command::new(program)
            .args(arguments)
            .spawn()
            .with_context(|| format!("cannot run {}", program.to_string_lossy()))?;
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .context("cannot wait for the command")?;
        Ok(Self(Some(Running { child, handle, status: None })))
    }

    fn handle(&self) -> Option<&OwnedFd> {
        self.0.as_ref().map(|running| &running.handle)
    }

    fn has_ended(&mut self) -> Result<bool> {
        let Some(running) = &mut self.0 else {
            return Ok(false);
        };
        running.status = running.child.try_wait().context("cannot wait for the command")?;
        Ok(running.status.is_some())
    }

    /// Passes a signal on.
    pub fn signal(&self, signal: Signal) {
        if let Some(running) = &self.0 {
            // It may have ended by itself.
            let _ = pidfd_send_signal(&running.handle, signal);
        }
    }

    /// How it ended, as a shell says it; `None` if it has not, or there is none.
    pub fn status(&self) -> Option<u8> {
        let status = self.0.as_ref()?.status?;
        Some(status.code().or(status.signal().map(|signal| 128 + signal))? as u8)
    }
}
