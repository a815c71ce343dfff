// SPDX-License-Identifier: MIT OR Apache-2.0

//! An assistant, as the observer sees it.

use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use iomd::Map;

use crate::channel::Channel;
use crate::message::Task;

/// An assistant. It is killed when this is dropped.
pub struct AssistantProcess {
    channel: Channel,
    process: Child,
}

impl AssistantProcess {
    /// Starts one, and gives it its task. `map` is its own from then on.
    pub fn start(mut command: Command, task: Task, map: Map) -> Result<Self> {
        let (channel, theirs) = Channel::pair()?;
        let process = command.stdin(Stdio::from(theirs)).spawn().context("start a process")?;
        // It keeps what it gave to the process.
        drop(command);
        let assistant = Self { channel, process };
        assistant.channel.send_with(&task, [map.as_fd()])?;
        Ok(assistant)
    }

    /// Waits until it has done its task.
    pub fn done(&mut self) -> Result<()> {
        match self.channel.receive::<()>()? {
            Some(_) => Ok(()),
            None => bail!("an assisting process died ({})", self.process.wait()?),
        }
    }

    /// Kills it, and waits until it is gone with all its files.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub fn end(mut self) -> Result<ExitStatus> {
        Ok(self.process.wait()?)
    }
}

impl Drop for AssistantProcess {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
