// SPDX-License-Identifier: MIT OR Apache-2.0

//! `info`: what the kernel's iomd can do.

use std::fmt;

use anyhow::Result;
use iomd::{Client, Features};
use serde::Serialize;

use super::names::names;

/// What the kernel's iomd can do.
#[derive(Debug, Serialize)]
pub struct Info {
    page_size: u32,
    client_calls: Vec<u32>,
    descriptor_calls: Vec<u32>,
    map_calls: Vec<u32>,
    buffer_flags: Vec<String>,
    map_flags: Vec<String>,
    map_options: Vec<String>,
    cache_modes: Vec<String>,
    redirect_flags: Vec<String>,
    copy_flags: Vec<String>,
    task_calls: Vec<u32>,
    into_task_flags: Vec<String>,
    sub_flags: Vec<String>,
    remap_flags: Vec<String>,
    vm_flags: Vec<String>,
}

pub fn run(client: &Client) -> Result<Info> {
    Ok(client.features()?.into())
}

impl From<Features> for Info {
    fn from(features: Features) -> Self {
        Self {
            page_size: features.page_size,
            client_calls: calls(0x00, features.client_calls),
            descriptor_calls: calls(0x20, features.descriptor_calls),
            map_calls: calls(0x40, features.map_calls),
            buffer_flags: names(features.buffer_flags.iter_names()),
            map_flags: names(features.map_flags.iter_names()),
            map_options: names(features.map_options.iter_names()),
            cache_modes: features.cache_modes.iter().map(ToString::to_string).collect(),
            redirect_flags: names(features.redirect_flags.iter_names()),
            copy_flags: names(features.copy_flags.iter_names()),
            task_calls: calls(0x60, features.task_calls),
            into_task_flags: names(features.into_task_flags.iter_names()),
            sub_flags: names(features.sub_flags.iter_names()),
            remap_flags: names(features.remap_flags.iter_names()),
            vm_flags: names(features.vm_flags.iter_names()),
        }
    }
}

/// The numbers of the calls that a mask stands for.
fn calls(first: u32, mask: u64) -> Vec<u32> {
    (0..u64::BITS).filter(|bit| (mask >> bit) & 1 == 1).map(|bit| first + bit).collect()
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = |calls: &[u32]| {
            calls.iter().map(|number| format!("{number:#04x}")).collect::<Vec<_>>().join(" ")
        };
        writeln!(f, "page size         {} bytes", self.page_size)?;
        writeln!(f, "client calls      {}", numbers(&self.client_calls))?;
        writeln!(f, "descriptor calls  {}", numbers(&self.descriptor_calls))?;
        writeln!(f, "map calls         {}", numbers(&self.map_calls))?;
        writeln!(f, "task calls        {}", numbers(&self.task_calls))?;
        writeln!(f, "buffer flags      {}", self.buffer_flags.join(" "))?;
        writeln!(f, "map flags         {}", self.map_flags.join(" "))?;
        writeln!(f, "map options       {}", self.map_options.join(" "))?;
        writeln!(f, "cache modes       {}", self.cache_modes.join(" "))?;
        writeln!(f, "redirect flags    {}", self.redirect_flags.join(" "))?;
        writeln!(f, "copy flags        {}", self.copy_flags.join(" "))?;
        writeln!(f, "into-task flags   {}", self.into_task_flags.join(" "))?;
        writeln!(f, "sub flags         {}", self.sub_flags.join(" "))?;
        writeln!(f, "remap flags       {}", self.remap_flags.join(" "))?;
        writeln!(f, "vm flags          {}", self.vm_flags.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_by_their_numbers() {
        assert_eq!(calls(0x20, 0b1101), [0x20, 0x22, 0x23]);
        assert_eq!(calls(0x40, 1 << 63), [0x40 + 63]);
    }
}
