// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process that has the database, as the observer sees it.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::channel::Channel;
use crate::message::{Finished, Progress, Ready, Reply, Request};
use crate::source::Source;

/// The process that has the database. It is killed when this is dropped.
pub struct OwnerProcess {
    channel: Channel,
    process: Child,
}

impl OwnerProcess {
    /// Starts it, and waits until the database is filled.
    pub fn start(mut command: Command) -> Result<(Self, Ready, Source)> {
        let (channel, theirs) = Channel::pair()?;
        let process = command.stdin(Stdio::from(theirs)).spawn().context("start a process")?;
        // It keeps what it gave to the process: the other end, which would then never be closed.
        drop(command);
        let mut owner = Self { channel, process };
        let (Reply::Ready(ready), files) = owner.receive()? else { return Err(unexpected()) };
        let [memory, map] = files.try_into().map_err(|_| unexpected())?;
        Ok((owner, ready, Source::new(memory.into(), map.into())?))
    }

    /// How far the writers are, so many transactions after the last answer.
    pub fn progress(&mut self, transactions: u64) -> Result<Progress> {
        self.channel.send(&Request::Progress { transactions })?;
        match self.receive()? {
            (Reply::Progress(progress), _) => Ok(progress),
            _ => Err(unexpected()),
        }
    }

    /// Has the writers stopped and everything looked for.
    pub fn finish(mut self) -> Result<Finished> {
        self.channel.send(&Request::Finish)?;
        match self.receive()? {
            (Reply::Finished(finished), _) => Ok(finished),
            _ => Err(unexpected()),
        }
    }

    fn receive(&mut self) -> Result<(Reply, Vec<OwnedFd>)> {
        match self.channel.receive()? {
            Some((Reply::Failed(message), _)) => bail!("the database's process failed: {message}"),
            Some(reply) => Ok(reply),
            None => bail!("the database's process died ({})", self.process.wait()?),
        }
    }
}

fn unexpected() -> anyhow::Error {
    anyhow!("the database's process answered something else than asked")
}

impl Drop for OwnerProcess {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
