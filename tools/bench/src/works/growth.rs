// SPDX-License-Identifier: MIT OR Apache-2.0

//! What grows with memory and objects, and what does not.

use anyhow::Result;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::Work;
use super::suspend::suspend_and_resume;
use crate::contest::Contest;
use crate::region::PAGE;
use crate::world::World;

pub const WORKS: &[Work] = &[many];

const OFTEN: usize = 100;

/// One map of many.
fn many(world: &World) -> Result<Contest<'_>> {
    const MOST: u64 = 10_000;
    setrlimit(Resource::Nofile, Rlimit { current: Some(MOST * 2), maximum: Some(MOST * 2) })?;
    let among = |count| {
        move || {
            let buffer = world.client.buffer(PAGE as u64)?;
            let others = (1..count).map(|_| {
                let buffer = world.client.sparse_buffer(PAGE as u64)?;
                buffer.map().unique(true).create()
            });
            let _others = others.collect::<iomd::Result<Vec<_>>>()?;
            suspend_and_resume(&buffer.map().unique(true).create()?, OFTEN)
        }
    };

    Ok(Contest::new("suspend and resume the only map", "time", OFTEN)
        .iomd(among(1))
        .rival("one of 100 maps", None, || Ok(among(100)))
        .rival("one of 10,000 maps", None, || Ok(among(MOST))))
}
