// SPDX-License-Identifier: MIT OR Apache-2.0

//! `suspend`: makes every access to a map, or to a descriptor through all of its maps, wait.

use anyhow::{Result, bail};
use iomd::{AnyObject, Client, Deadline, Descriptor, Map};

use super::done::{Changed, Done};
use super::hold::hold;
use crate::arguments::Suspend;
use crate::output;

/// Says what it has done before it waits for the end of the input, if it is to.
pub fn run(client: &Client, arguments: &Suspend, json: bool) -> Result<()> {
    // Open until the end: it is the suspension's owner.
    let object = client.open_object(arguments.id)?;
    let done = match &object {
        AnyObject::Map(map) => suspend_map(map, arguments)?,
        AnyObject::Descriptor(descriptor) => suspend_descriptor(descriptor, arguments)?,
    };
    output::result(&done, json)?;
    if arguments.hold {
        hold()?;
    }
    Ok(())
}

fn suspend_map(map: &Map, arguments: &Suspend) -> Result<Done> {
    let mut suspension = map
        .suspend_with()
        .if_abandoned(arguments.if_abandoned.into())
        .refuse_pinned(arguments.refuse_pinned);
    if let Some(seconds) = arguments.deadline {
        suspension = suspension.deadline(Deadline::after(seconds));
    }
    let pinned = Some(suspension.run()?.pinned);
    Ok(Done { changed: Changed::Map(arguments.id), done: "suspended", pinned })
}

fn suspend_descriptor(descriptor: &Descriptor, arguments: &Suspend) -> Result<Done> {
    if arguments.refuse_pinned {
        bail!("object {} is a descriptor: its pages that are held are not counted", arguments.id);
    }
    let mut suspension = descriptor.suspend_with().if_abandoned(arguments.if_abandoned.into());
    if let Some(seconds) = arguments.deadline {
        suspension = suspension.deadline(Deadline::after(seconds));
    }
    suspension.run()?;
    Ok(Done { changed: Changed::Descriptor(arguments.id), done: "suspended", pinned: None })
}
