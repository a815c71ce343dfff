// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is printed, as a text or as JSON.

use std::fmt::Display;
use std::io::{self, Write};

use iomd::Error;
use serde::Serialize;
use serde_json::json;

use crate::exit;

/// Prints what a command has to say.
pub fn result<T: Serialize + Display>(value: &T, json: bool) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(value)? } else { value.to_string() };
    print(&text)?;
    Ok(())
}

/// Prints one of many things that a command has to say, as JSON in one line. Says whether somebody
/// still reads.
pub fn item<T: Serialize + Display>(value: &T, json: bool) -> anyhow::Result<bool> {
    print(&if json { serde_json::to_string(value)? } else { value.to_string() })
}

/// Prints a text. Says whether somebody still reads: who does not read to the end has seen enough.
pub fn print(text: &str) -> anyhow::Result<bool> {
    match writeln!(io::stdout(), "{}", text.trim_end_matches('\n')) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => Ok(written.map(|()| true)?),
    }
}

/// Prints why a command did not do what it should, and says it as an exit status.
pub fn error(error: &anyhow::Error, json: bool) -> u8 {
    let status = exit::status(error);
    // Of a JSON value that cannot be printed no one would learn; the status says it all the same.
    if json {
        let errno = error.downcast_ref::<Error>().map(|error| error.errno().raw_os_error());
        let value = json!({
            "error": { "message": message(error), "errno": errno, "status": status }
        });
        let _ = writeln!(io::stdout(), "{value:#}");
    } else {
        let _ = writeln!(io::stderr(), "iomdctl: {}", message(error));
    }
    status
}

/// What went wrong, in one line.
fn message(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    if !error.is::<clap::Error>() {
        return text;
    }
    // The paragraphs after the first are help.
    let first = text.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}
