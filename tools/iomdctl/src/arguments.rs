// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  refused, or failed
  2  the arguments are wrong
  3  the device is not there, or not open to the caller
  4  there is no such object, or it is of another kind

Objects are reached by their ids, which needs CAP_SYS_ADMIN. Offsets are bytes, decimal or
hexadecimal with 0x.";

/// Lists iomd's objects, redirects and suspends maps, and copies memory in use
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_STATUS)]
pub struct Arguments {
    /// Print JSON, errors too
    #[arg(long, global = true)]
    pub json: bool,

    /// The device
    #[arg(long, global = true, value_name = "PATH", default_value = iomd::DEVICE)]
    pub device: PathBuf,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the kernel's iomd can do
    Info,
    /// List all objects
    List,
    /// Show one object
    Show {
        /// A descriptor or a map
        id: u64,
    },
    /// Switch the memory behind a map
    Redirect(Redirect),
    /// Make every access to a map wait
    Suspend {
        /// The map
        id: u64,
    },
    /// Let accesses to a suspended map go on, on the memory that it had
    Resume {
        /// The map
        id: u64,
    },
    /// Copy memory in use to a file, all of it at one instant
    Snapshot(Snapshot),
    /// Copy and move a database in use, and show what becomes of it
    #[cfg(feature = "demo")]
    Demo(Demo),
}

#[derive(Debug, Args)]
pub struct Redirect {
    /// The map
    pub map: u64,
    /// The new memory
    pub descriptor: u64,
    /// Where the map starts in the new memory, a multiple of the page size
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub offset: u64,
    /// Fail if pages of the old memory are held for I/O
    #[arg(long)]
    pub refuse_pinned: bool,
}

#[derive(Debug, Args)]
pub struct Snapshot {
    /// A descriptor, or a map: then the part of its descriptor that it shows
    pub id: u64,
    /// The file; there is all of it or none, and only its owner can read it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Fail if pages of the memory are held for I/O, which might be writing to them
    #[arg(long)]
    pub refuse_pinned: bool,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct Demo {
    /// How many plain copies, and how many atomic ones
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub copies: u64,
    /// How many moves to new memory
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub moves: u64,
    /// How many threads write to the database
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub writers: u64,
    /// Be the process that has the database
    #[arg(long, hide = true)]
    pub own: bool,
}

/// A number of bytes.
fn bytes(text: &str) -> Result<u64, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn offsets_are_decimal_or_hexadecimal() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("0x1000"), Ok(4096));
        assert!(bytes("-1").is_err());
        assert!(bytes("0x").is_err());
    }
}
