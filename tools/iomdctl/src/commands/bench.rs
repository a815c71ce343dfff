// SPDX-License-Identifier: MIT OR Apache-2.0

//! `bench`: how fast iomd is.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::path::Path;

use anyhow::{Context, Result};
use iomd::Client;
use iomd_bench::{Ratios, World, draw, measure};
use serde::de::DeserializeOwned;

use crate::arguments::Bench;
use crate::{exit, output};

pub fn run(
    client: impl FnOnce() -> iomd::Result<Client>,
    arguments: &Bench,
    json: bool,
) -> Result<u8> {
    let before = arguments.check.as_deref().map(read::<Ratios>).transpose()?;
    let report = if let Some(path) = &arguments.from {
        read(path)?
    } else {
        let world = World::new(client()?, arguments.pages, arguments.rounds)?;
        let tell = |part: &str| {
            // For who waits before a terminal.
            if io::stderr().is_terminal() {
                eprintln!("measuring: {part}");
            }
        };
        measure(&world, &arguments.parts, &tell)?
    };

    if let Some(directory) = &arguments.charts {
        draw(&report, directory)?;
    }
    let now = Ratios::of(&report);
    if arguments.ratios {
        output::print(&serde_json::to_string_pretty(&now)?)?;
        return Ok(exit::DONE);
    }
    output::result(&report, json)?;
    let regressions = before.map(|before| before.regressions(&now)).unwrap_or_default();
    for regression in &regressions {
        eprintln!("worse: {regression}");
    }
    Ok(if regressions.is_empty() { exit::DONE } else { exit::FAILED })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    serde_json::from_reader(BufReader::new(file)).with_context(name)
}
