// SPDX-License-Identifier: MIT OR Apache-2.0

//! `export`: makes a dma-buf.

use std::fmt;
use std::os::fd::AsRawFd;
use std::process;

use anyhow::Result;
use iomd::{AnyObject, Client};
use serde::Serialize;

use super::hold::hold;
use crate::output;

/// A dma-buf of this process's.
#[derive(Debug, Serialize)]
struct Exported {
    object: u64,
    process: u32,
    file_descriptor: i32,
}

/// Says what it has made before it waits for the end of the input.
pub fn run(client: &Client, id: u64, json: bool) -> Result<()> {
    let dma_buf = match client.open_object(id)? {
        AnyObject::Descriptor(descriptor) => descriptor.export_dma_buf()?,
        AnyObject::Map(map) => map.export_dma_buf()?,
    };
    let (process, file_descriptor) = (process::id(), dma_buf.as_raw_fd());
    output::result(&Exported { object: id, process, file_descriptor }, json)?;
    hold()
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, process, file_descriptor } = self;
        write!(f, "object {object} is the dma-buf {file_descriptor} of process {process}")
    }
}
