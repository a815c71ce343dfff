// SPDX-License-Identifier: MIT OR Apache-2.0

//! `write`: bytes for a descriptor.

use std::fmt;
use std::io::{self, Read};

use anyhow::{Context, Result, ensure};
use iomd::{Access, Client};
use serde::Serialize;

use crate::arguments::Write;

/// How many bytes are written at a time.
const PIECE: u64 = 1 << 20;

/// What was written.
#[derive(Debug, Serialize)]
pub struct Written {
    pub descriptor: u64,
    pub offset: u64,
    pub bytes: u64,
}

pub fn run(client: &Client, arguments: &Write) -> Result<Written> {
    let descriptor = client.open_descriptor(arguments.id, Access::ReadWrite)?;
    let mut input = io::stdin().lock();
    let mut piece = Vec::new();
    let mut written = 0;
    loop {
        piece.clear();
        let length = input.by_ref().take(PIECE).read_to_end(&mut piece);
        if length.context("cannot read the standard input")? == 0 {
            break;
        }
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let offset = arguments.offset + written;
            // As much as fits: of a range that does not, nothing is written.
            let room = descriptor.info()?.length.saturating_sub(offset);
            let fitting = rest.len().min(room as usize);
            ensure!(
                fitting > 0,
                "the descriptor ends after {written} of the bytes, which are written"
            );
            let count = descriptor.write_bytes(offset, &rest[..fitting])?;
            rest = &rest[count..];
            written += count as u64;
        }
    }
    Ok(Written { descriptor: arguments.id, offset: arguments.offset, bytes: written })
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptor, offset, bytes } = self;
        write!(f, "{bytes} bytes written to descriptor {descriptor} from byte {offset} on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_told() {
        let written = Written { descriptor: 1, offset: 8, bytes: 3 };
        assert_eq!(written.to_string(), "3 bytes written to descriptor 1 from byte 8 on");
        assert_eq!(
            serde_json::to_string(&written).unwrap(),
            r#"{"descriptor":1,"offset":8,"bytes":3}"#
        );
    }
}
