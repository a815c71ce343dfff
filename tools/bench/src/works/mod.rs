// SPDX-License-Identifier: MIT OR Apache-2.0

//! The works, a few in each file.

mod copy;
mod create;
mod growth;
mod large;
mod pager;
mod redirect;
mod sharing;
mod suspend;
mod threads;
mod touch;
mod unpinnable;

use std::thread;

use anyhow::{Result, ensure};
use rustix::system::uname;

use crate::contest::Contest;
use crate::report::Report;
use crate::world::World;

/// Prepares a work.
type Work = fn(&World) -> Result<Contest<'_>>;

/// The works, in parts.
const PARTS: [(&str, &[Work]); 11] = [
    ("touch", touch::WORKS),
    ("redirect", redirect::WORKS),
    ("suspend", suspend::WORKS),
    ("unpinnable", unpinnable::WORKS),
    ("large", large::WORKS),
    ("pager", pager::WORKS),
    ("copy", copy::WORKS),
    ("create", create::WORKS),
    ("sharing", sharing::WORKS),
    ("growth", growth::WORKS),
    ("threads", threads::WORKS),
];

/// What the parts are called.
pub const NAMES: [&str; PARTS.len()] = {
    let mut names = [""; PARTS.len()];
    let mut part = 0;
    while part < names.len() {
        names[part] = PARTS[part].0;
        part += 1;
    }
    names
};

/// Measures these parts, or all if there are none. `tell` is told what is measured next.
pub fn measure(world: &World, parts: &[String], tell: &dyn Fn(&str)) -> Result<Report> {
    for part in parts {
        ensure!(NAMES.contains(&part.as_str()), "there is no part {part}: {}", NAMES.join(", "));
    }
    let mut figures = Vec::new();
    for (name, works) in PARTS {
        if parts.is_empty() || parts.iter().any(|part| part == name) {
            tell(name);
            for work in works {
                figures.push(work(world)?.hold(world.rounds)?);
            }
        }
    }
    Ok(Report {
        kernel: uname().release().to_string_lossy().into_owned(),
        processors: thread::available_parallelism()?.get(),
        figures,
    })
}
