// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process that has the database, and uses it all the time.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use iomd::{Client, Descriptor, Map};

use crate::bank::{Bank, memory_needed};
use crate::channel::Channel;
use crate::message::{Finished, Progress, Ready, Reply, Request};
use crate::storage::MappedStorage;
use crate::writers::Writers;

/// Where the kernel shows its symbol table.
const SYMBOLS: &str = "/proc/kallsyms";

/// Has the database until the observer at the other end of `socket` is done.
pub fn own(socket: OwnedFd, device: &Path, writers: u64) -> Result<()> {
    let channel = Channel::from(socket);
    serve(&channel, device, writers).or_else(|error| {
        // The observer tells it to the user.
        channel.send(&Reply::Failed(format!("{error:#}")))
    })
}

fn serve(channel: &Channel, device: &Path, writers: u64) -> Result<()> {
    let symbols = std::fs::read_to_string(SYMBOLS).with_context(|| format!("read {SYMBOLS}"))?;
    let client = Client::open_at(device)?;
    let length = memory_needed(&symbols);
    // Where there is no page for a sparse buffer, who touches it gets SIGBUS. Better to be refused.
    drop(client.buffer(length)?);
    let memory = client.sparse_buffer(length)?;
    let map = memory.map().unique(true).create()?;
    let storage = MappedStorage::new(Arc::new(map.mmap()?));

    let started = Instant::now();
    let bank = Bank::open(storage.clone())?;
    bank.fill(&symbols)?;
    let ready = Ready { symbols: symbols.lines().count() as u64, filled_in: started.elapsed() };
    announce(channel, ready, memory, &map)?;

    let bank = Arc::new(bank);
    let writers = Writers::start(&bank, writers);
    let mut last = writers.wait_for(1)?;
    storage.take_longest_access();
    while let Some((request, _)) = channel.receive()? {
        let transactions = match request {
            Request::Progress { transactions } => transactions,
            Request::Finish => break,
        };
        last = writers.wait_for(last + transactions)?;
        let longest_access = storage.take_longest_access();
        channel.send(&Reply::Progress(Progress { transactions: last, longest_access }))?;
    }

    let writers = writers.stop()?;
    drop(bank);
    channel.send(&Reply::Finished(finish(storage, &symbols, writers)?))
}

/// Hands the memory over to the observer. From then on this process has the map only.
fn announce(channel: &Channel, ready: Ready, memory: Descriptor, map: &Map) -> Result<()> {
    channel.send_with(&Reply::Ready(ready), [memory.as_fd(), map.as_fd()])
}

/// Opens the database once more, from what is in the memory, and looks whether everything is there.
fn finish(storage: MappedStorage, symbols: &str, writers: Vec<u64>) -> Result<Finished> {
    let bank = Bank::open(storage).context("the database does not open any more")?;
    let contents = bank.check(Some(symbols))?;
    for (writer, &committed) in (0..).zip(&writers) {
        let there = bank.committed(writer)?;
        ensure!(there == committed, "writer {writer} committed {committed}, but {there} are there");
    }
    Ok(Finished { symbols: contents.symbols, writers })
}
