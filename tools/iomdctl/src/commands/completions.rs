// SPDX-License-Identifier: MIT OR Apache-2.0

//! `completions`: what completes command lines.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::output;

pub fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "iomdctl", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(())
}
