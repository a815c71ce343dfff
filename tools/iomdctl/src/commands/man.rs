// SPDX-License-Identifier: MIT OR Apache-2.0

//! `man`: the manual page.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::arguments::Arguments;
use crate::output;

pub fn run(directory: Option<&Path>) -> Result<()> {
    let command = Arguments::command();
    if let Some(directory) = directory {
        return generate_to(command, directory)
            .with_context(|| format!("cannot write manual pages to {}", directory.display()));
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    output::print(&String::from_utf8(page)?)?;
    Ok(())
}
