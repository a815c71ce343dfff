// SPDX-License-Identifier: MIT OR Apache-2.0

//! `create`: makes a descriptor.

use std::fs::File;
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use iomd::{Access, BufferFlags, Client, Descriptor, Direction};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::hold::hold;
use super::show;
use crate::arguments::Create;
use crate::output;

/// Says what it has made before it waits for the end of the input.
pub fn run(client: &Client, arguments: &Create, json: bool) -> Result<()> {
    // Open until the end: nobody else has it yet.
    let descriptor = create(client, arguments)?;
    output::result(&show::Descriptor::from(descriptor.info()?), json)?;
    hold()
}

fn create(client: &Client, arguments: &Create) -> Result<Descriptor> {
    Ok(match arguments {
        Create::Buffer { length, sparse, large, contiguous, lazy_copy } => {
            let mut flags = BufferFlags::empty();
            flags.set(BufferFlags::SPARSE, *sparse);
            flags.set(BufferFlags::LARGE, *large);
            flags.set(BufferFlags::CONTIGUOUS, *contiguous);
            flags.set(BufferFlags::LAZY_COPY, *lazy_copy);
            client.buffer_with(*length, flags)?
        }
        Create::Sub { id, offset, length, read_only } => {
            let access = if *read_only { Access::ReadOnly } else { Access::ReadWrite };
            client.open_descriptor(*id, access)?.sub(*offset, *length, access)?
        }
        Create::Multi { ids } => {
            let parts = open(client, ids)?;
            client.multi(&parts.iter().collect::<Vec<_>>())?
        }
        Create::Interleaved { ids, granularity } => {
            let parts = open(client, ids)?;
            client.interleaved(&parts.iter().collect::<Vec<_>>(), *granularity)?
        }
        Create::DmaBuf { process, file, offset, length } => {
            client.import_dma_buf(dma_buf(*process, *file)?, *offset, *length)?
        }
        Create::Guard { length } => client.guard(*length)?,
        Create::Ranges { task, ranges, read_only } => {
            client.address_ranges(&client.task(*task)?, ranges, direction(*read_only))?
        }
        Create::Memfd { file, offset, length, read_only } => {
            let opened = File::options().read(true).write(!read_only).open(file);
            let opened = opened.with_context(|| format!("cannot open {}", file.display()))?;
            client.import_memfd(opened, *offset, *length, direction(*read_only))?
        }
        Create::Physical { address, length, read_only } => {
            client.physical_range(*address, *length, direction(*read_only))?
        }
    })
}

fn direction(read_only: bool) -> Direction {
    if read_only { Direction::Out } else { Direction::InOut }
}

/// A file descriptor of another process.
fn dma_buf(process: i32, file: i32) -> Result<OwnedFd> {
    let pid = Pid::from_raw(process).context("there is no such process")?;
    let process = pidfd_open(pid, PidfdFlags::empty())
        .with_context(|| format!("cannot open process {process}"))?;
    pidfd_getfd(process, file, PidfdGetfdFlags::empty())
        .with_context(|| format!("cannot fetch file descriptor {file}"))
}

fn open(client: &Client, ids: &[u64]) -> Result<Vec<Descriptor>> {
    let open = |id: &u64| Ok(client.open_descriptor(*id, Access::ReadWrite)?);
    ids.iter().map(open).collect()
}
