// SPDX-License-Identifier: MIT OR Apache-2.0

//! Staying, for as long as what was done is to have an owner.

use std::io;

use anyhow::{Context, Result};

/// Waits for the end of the standard input. A signal need not be handled: with this program go its
/// files, and so the owner.
pub fn hold() -> Result<()> {
    io::copy(&mut io::stdin().lock(), &mut io::sink()).context("cannot read the standard input")?;
    Ok(())
}
