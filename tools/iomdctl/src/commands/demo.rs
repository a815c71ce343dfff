// SPDX-License-Identifier: MIT OR Apache-2.0

//! `demo`: a database in use is copied and moved.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::{env, fmt, io};

use anyhow::{Context, Result};
use iomd_demo::{Options, Report};
use serde::Serialize;

use crate::arguments::Demo;
use crate::{exit, output};

/// What came of it, and what speaks against it.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    report: Report,
    failure: Option<String>,
}

pub fn run(device: &Path, arguments: &Demo, json: bool) -> Result<u8> {
    if arguments.own {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        iomd_demo::own(socket, device, arguments.writers)?;
        return Ok(exit::DONE);
    }

    if arguments.assist {
        iomd_demo::assist(io::stdin().as_fd().try_clone_to_owned()?)?;
        return Ok(exit::DONE);
    }

    let program = env::current_exe().context("cannot find this program to start it again")?;
    let again = |role| {
        let mut command = Command::new(&program);
        command.arg("--device").arg(device).args(["demo", role]);
        command
    };
    let mut owner = again("--own");
    owner.arg("--writers").arg(arguments.writers.to_string());
    let options =
        Options { device: device.into(), copies: arguments.copies, moves: arguments.moves };

    let assistant = || again("--assist");
    let report = iomd_demo::observe(&options, owner, &assistant, &|line| eprintln!("{line}"))?;
    let failure = report.verdict().err();
    let status = if failure.is_none() { exit::DONE } else { exit::FAILED };
    output::result(&Outcome { report, failure }, json)?;
    Ok(status)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.report)?;
        match &self.failure {
            None => Ok(()),
            Some(failure) => write!(f, "\nFAILED: {failure}"),
        }
    }
}
