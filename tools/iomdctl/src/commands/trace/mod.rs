// SPDX-License-Identifier: MIT OR Apache-2.0

//! `trace`: what happens to objects, as it happens.

mod event;
mod instance;
mod until;

use anyhow::{Context, Result, ensure};

use crate::arguments::Trace;
use crate::{exit, output};
use event::Event;
use instance::Instance;
use until::{Command, Ended, Signals};

pub fn run(arguments: &Trace, json: bool) -> Result<u8> {
    // Before there is an instance, which must not outlive this program.
    let signals = Signals::catch()?;
    let instance = Instance::new()?;
    let events = instance.events()?;
    let wanted = choose(&events, &arguments.event)?;
    for name in wanted {
        instance.enable(name, &arguments.id)?;
    }
    let mut pipe = instance.pipe()?;
    if !json && !output::print(event::HEAD)? {
        return Ok(exit::DONE);
    }
    let mut command = Command::start(&arguments.command)?;
    let status = |command: &Command| command.status().unwrap_or(exit::DONE);

    let mut left = arguments.count;
    loop {
        let ended = signals.wait(&pipe, &mut command)?;
        while let Some(line) = pipe.line()? {
            // What is no event is the beginning of one: a task's name can hold anything.
            let Some(event) = Event::parse(&line) else {
                continue;
            };
            if !output::item(&event, json)? {
                return Ok(status(&command));
            }
            left = left.map(|left| left - 1);
            if left == Some(0) {
                return Ok(status(&command));
            }
        }
        match ended {
            Ended::No => {}
            Ended::Command => return Ok(status(&command)),
            Ended::Signal(signal) => {
                command.signal(signal);
                return Ok(exit::DONE);
            }
        }
    }
}

/// The events that are asked for, of those there are; all if none is.
fn choose<'a>(there: &'a [String], asked: &[String]) -> Result<Vec<&'a str>> {
    let find = |name: &String| {
        let found = there.iter().find(|event| *event == name);
        found
            .map(String::as_str)
            .with_context(|| format!("there is no event {name}; there are: {}", there.join(", ")))
    };
    ensure!(!there.is_empty(), "the kernel has no events of iomd");
    if asked.is_empty() {
        return Ok(there.iter().map(String::as_str).collect());
    }
    asked.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_that_there_are_can_be_chosen() {
        let there = ["fault", "wait"].map(str::to_owned);
        assert_eq!(choose(&there, &[]).unwrap(), ["fault", "wait"]);
        assert_eq!(choose(&there, &["wait".into()]).unwrap(), ["wait"]);
        let refused = choose(&there, &["sleep".into()]).unwrap_err().to_string();
        assert_eq!(refused, "there is no event sleep; there are: fault, wait");
        assert!(choose(&[], &[]).is_err());
    }
}
