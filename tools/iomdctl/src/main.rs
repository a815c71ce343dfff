// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lists the objects of `/dev/iomd`, redirects and suspends maps, and copies memory in use.
//!
//! What a command has to say goes to the standard output: a text, or with `--json` one JSON value,
//! which in case of an error is an object with the member `error`. Everything else goes to the
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

mod arguments;
mod commands;
mod exit;
mod output;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // The arguments could not be understood, so they are only looked at.
            let json = std::env::args_os().any(|argument| argument == OsStr::new("--json"));
            if json && error.use_stderr() {
                return output::error(&error.into(), true);
            }
            error.exit()
        }
    };
    let json = arguments.json;
    commands::run(arguments).unwrap_or_else(|error| output::error(&error, json))
}
