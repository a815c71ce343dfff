// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process that copies and moves the memory which another one uses.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use iomd::Client;

use crate::abandoned::abandoned;
use crate::copy::Copy;
use crate::owner_process::OwnerProcess;
use crate::report::{Copies, Milliseconds, Moves, Report, Thousands};
use crate::source::Source;

/// How much is done, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the device is.
    pub device: PathBuf,
    /// How many copies of each kind.
    pub copies: u64,
    /// How many moves.
    pub moves: u64,
}

/// How many transactions there are in a stretch of undisturbed work, and after each move: enough to
/// touch most of what the writers use.
const STRETCH: u64 = 100;

/// Starts `owner`, a command that calls [`own`](crate::own) with its standard input as the socket;
/// then copies the memory of its database and moves it. Others are started of `assistant`, which in
/// the same way call [`assist`](crate::assist). What happens is told to `tell`, line by line.
pub fn observe(
    options: &Options,
    owner: Command,
    assistant: &dyn Fn() -> Command,
    tell: &dyn Fn(String),
) -> Result<Report> {
    let client = Client::open_at(&options.device)?;

    tell(
        "filling a database in iomd's memory with the kernel's symbols, in one transaction".into(),
    );
    let (mut owner, ready, mut source) = OwnerProcess::start(owner)?;
    let (symbols, seconds) = (Thousands(ready.symbols), ready.filled_in.as_secs_f64());
    tell(format!("{symbols} symbols in {seconds:.1} s; writers begin to use the database"));
    let undisturbed = owner.progress(STRETCH)?.longest_access;

    let copy = Copy::of(&client, &source)?;
    let plain = copies("plain", options.copies, &mut owner, &copy, tell, || {
        source.copy_plainly(&copy);
        Ok(Duration::ZERO)
    })?;
    let atomic = copies("atomic", options.copies, &mut owner, &copy, tell, || {
        source.copy_atomically(&copy)
    })?;
    drop(copy);
    let moves = moves(options.moves, &mut owner, &client, &mut source, tell)?;

    let abandoned = abandoned(&mut owner, &source, assistant, tell)?;

    tell("stopping the writers; looking for each symbol and each transaction".into());
    let end = owner.finish().context("after the moves")?;
    Ok(Report {
        symbols: end.symbols,
        transactions: end.writers.iter().sum(),
        writers: end.writers.len(),
        undisturbed,
        plain,
        atomic,
        moves,
        abandoned,
    })
}

/// Takes copies, and looks whether each is a database.
fn copies(
    kind: &str,
    count: u64,
    owner: &mut OwnerProcess,
    copy: &Copy,
    tell: &dyn Fn(String),
    take: impl Fn() -> Result<Duration>,
) -> Result<Copies> {
    let mut copies = Copies { copies: count, ..Copies::default() };
    let mut progress = owner.progress(0)?;
    for number in 1..=count {
        let suspension = take().with_context(|| format!("{kind} copy {number}"))?;
        copies.longest_suspension = copies.longest_suspension.max(suspension);
        copies.bytes += copy.used();
        let outcome = match copy.check(progress.transactions) {
            Ok(contents) => {
                copies.consistent += 1;
                format!("consistent, after {} transactions", Thousands(contents.transactions))
            }
            Err(error) => format!("TORN: {error:#}"),
        };
        tell(format!("{kind} copy {number:>2} of {count}: {outcome}"));
        progress = owner.progress(1)?;
        copies.longest_pause = copies.longest_pause.max(progress.longest_access);
    }
    Ok(copies)
}

/// Moves the database to new memory, again and again.
fn moves(
    count: u64,
    owner: &mut OwnerProcess,
    client: &Client,
    source: &mut Source,
    tell: &dyn Fn(String),
) -> Result<Moves> {
    let mut moves = Moves { moves: count, ..Moves::default() };
    let before = owner.progress(0)?.transactions;
    for number in 1..=count {
        moves.bytes += source.used();
        let suspension = source.relocate(client).with_context(|| format!("move {number}"))?;
        let progress = owner.progress(STRETCH)?;
        moves.transactions = progress.transactions - before;
        moves.longest_pause = moves.longest_pause.max(progress.longest_access);
        moves.longest_suspension = moves.longest_suspension.max(suspension);
        tell(format!(
            "move {number:>2} of {count}: in {}, the old memory overwritten, {} transactions since \
             the first",
            Milliseconds(suspension),
            Thousands(moves.transactions),
        ));
    }
    Ok(moves)
}
