// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lists the objects of `/dev/iomd`, redirects and suspends maps, and copies memory in use.
//!
//! What a command has to say goes to the standard output: a text, or with `--json` one JSON value,
//! which in case of an error is an object with the member `error`. `top` and `trace` have more to say:
//! a value in each line. Everything else goes to the
//! standard error.
//!
//! The exit status is
//!
//! | status | if |
//! |---|---|
//! | 0 | it is done |
//! | 1 | it was refused, or it failed |
//! | 2 | the arguments are wrong |
//! | 3 | the device is not there, or not open to the caller |
//! | 4 | there is no such object, or it is of another kind |
//!
//! `trace` with a command has the command's.

mod arguments;
mod commands;
mod exit;
mod output;

use std::ffi::OsString;

use clap::Parser;

use crate::arguments::Arguments;

/// Does what a command line asks for, the program's name included. Returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<_> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(error) => {
            // The arguments could not be understood, so they are only looked at.
            let json = words.iter().any(|word| word == "--json");
            let status = error.exit_code() as u8;
            if json && error.use_stderr() {
                return output::error(&error.into(), true);
            }
            // Who does not listen is not told.
            let _ = error.print();
            return status;
        }
    };
    let json = arguments.json;
    commands::run(arguments).unwrap_or_else(|error| output::error(&error, json))
}
