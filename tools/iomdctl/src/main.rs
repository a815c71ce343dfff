// SPDX-License-Identifier: MIT OR Apache-2.0

//! The program; what it does is in the library, so that tests can call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    iomdctl::run(std::env::args_os()).into()
}
