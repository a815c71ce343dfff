// SPDX-License-Identifier: MIT OR Apache-2.0

//! A process that does one thing with a map, which may be its end.

use std::os::fd::OwnedFd;

use anyhow::{Result, anyhow};
use iomd::{IfAbandoned, Map};

use crate::channel::Channel;
use crate::message::{Policy, Task};

/// Does what the observer at the other end of `socket` asks for.
pub fn assist(socket: OwnedFd) -> Result<()> {
    let channel = Channel::from(socket);
    let Some((task, files)) = channel.receive()? else { return Ok(()) };
    let [map] = <[OwnedFd; 1]>::try_from(files).map_err(|_| anyhow!("there came no map"))?;
    let map = Map::from(map);
    match task {
        Task::Suspend(policy) => {
            map.suspend_with().if_abandoned(policy.into()).run()?;
            channel.send(&())?;
            // Comes when the observer is gone. Before that it has killed this process.
            channel.receive::<()>()?;
        }
        Task::Read => {
            map.mmap()?.load_u64(0);
            channel.send(&())?;
        }
    }
    Ok(())
}

impl From<Policy> for IfAbandoned {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Stay => Self::Stay,
            Policy::Sigbus => Self::Sigbus,
            Policy::Resume => Self::Resume,
        }
    }
}
