// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands, one a file.

#[cfg(feature = "bench")]
mod bench;
mod completions;
mod create;
#[cfg(feature = "demo")]
mod demo;
mod done;
mod export;
mod hold;
mod info;
mod list;
mod man;
mod map;
mod names;
mod purge;
mod read;
mod redirect;
mod remap;
mod resume;
mod seal;
mod show;
mod snapshot;
mod suspend;
mod top;
mod trace;
mod write;

use anyhow::Result;
use iomd::Client;

use crate::arguments::{Arguments, Command};
use crate::{exit, output};

/// Does what the arguments ask for.
pub fn run(arguments: Arguments) -> Result<u8> {
    let Arguments { json, device, command } = arguments;
    // Not all need it.
    let client = || Client::open_at(&device);
    match command {
        Command::Info => output::result(&info::run(&client()?)?, json)?,
        Command::List => output::result(&list::run(&client()?)?, json)?,
        Command::Show { id } => output::result(&show::run(&client()?, id)?, json)?,
        Command::Create(arguments) => create::run(&client()?, &arguments, json)?,
        Command::Export { id } => export::run(&client()?, id, json)?,
        Command::Redirect(arguments) => {
            output::result(&redirect::run(&client()?, &arguments)?, json)?;
        }
        Command::Suspend(arguments) => suspend::run(&client()?, &arguments, json)?,
        Command::Resume { id } => output::result(&resume::run(&client()?, id)?, json)?,
        Command::Seal(arguments) => seal::run(&client()?, &arguments, json)?,
        Command::Map(arguments) => output::result(&map::run(&client()?, &arguments)?, json)?,
        Command::Remap(arguments) => output::result(&remap::run(&client()?, &arguments)?, json)?,
        Command::Purge(arguments) => output::result(&purge::run(&client()?, &arguments)?, json)?,
        Command::Read(arguments) => read::run(&client()?, &arguments, json)?,
        Command::Write(arguments) => output::result(&write::run(&client()?, &arguments)?, json)?,
        Command::Snapshot(arguments) => {
            output::result(&snapshot::run(&client()?, &arguments)?, json)?;
        }
        Command::Top(arguments) => top::run(&client()?, &arguments, json)?,
        Command::Trace(arguments) => return trace::run(&arguments, json),
        #[cfg(feature = "bench")]
        Command::Bench(arguments) => return bench::run(client, &arguments, json),
        Command::Completions { shell } => completions::run(shell)?,
        Command::Man { directory } => man::run(directory.as_deref())?,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => return demo::run(&device, &arguments, json),
    }
    Ok(exit::DONE)
}
