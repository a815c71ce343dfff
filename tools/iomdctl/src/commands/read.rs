// SPDX-License-Identifier: MIT OR Apache-2.0

//! `read`: bytes of a descriptor.

use std::io::{self, Write};

use anyhow::{Result, ensure};
use iomd::{Access, Client, Descriptor};
use serde_json::json;

use crate::arguments::Read;
use crate::output;

/// How many bytes are asked for at a time.
const PIECE: u64 = 1 << 20;

pub fn run(client: &Client, arguments: &Read, json: bool) -> Result<()> {
    let descriptor = client.open_descriptor(arguments.id, Access::ReadOnly)?;
    let (offset, end) = range(descriptor.info()?.length, arguments)?;
    if json {
        let mut hexadecimal = String::new();
        pieces(&descriptor, offset, end, |bytes| {
            hexadecimal.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
            Ok(())
        })?;
        let value = json!({ "descriptor": arguments.id, "offset": offset, "bytes": hexadecimal });
        output::print(&format!("{value:#}"))?;
        return Ok(());
    }
    let mut output = io::stdout().lock();
    match pieces(&descriptor, offset, end, |bytes| Ok(output.write_all(bytes)?)) {
        // Who does not read to the end has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        done => {
            done?;
            Ok(output.flush()?)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Where the bytes begin and end, in a descriptor that is so long.
fn range(length: u64, arguments: &Read) -> Result<(u64, u64)> {
    let offset = arguments.offset;
    let end = arguments.length.map_or(Some(length), |length| offset.checked_add(length));
    let end = end.filter(|&end| offset <= end && end <= length);
    ensure!(end.is_some(), "the range reaches beyond the descriptor, which has {length} bytes");
    Ok((offset, end.unwrap_or(offset)))
}

fn pieces(
    descriptor: &Descriptor,
    mut offset: u64,
    end: u64,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut room = vec![0; PIECE.min(end - offset) as usize];
    while offset < end {
        let bytes = &mut room[..PIECE.min(end - offset) as usize];
        let count = descriptor.read_bytes(offset, bytes)?;
        ensure!(count > 0, "the descriptor has become shorter");
        take(&bytes[..count])?;
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(offset: u64, length: Option<u64>) -> Option<(u64, u64)> {
        range(100, &Read { id: 1, offset, length }).ok()
    }

    #[test]
    fn a_range_is_inside() {
        assert_eq!(range_of(0, None), Some((0, 100)));
        assert_eq!(range_of(40, None), Some((40, 100)));
        assert_eq!(range_of(40, Some(60)), Some((40, 100)));
        assert_eq!(range_of(100, Some(0)), Some((100, 100)));
        assert_eq!(range_of(40, Some(61)), None);
        assert_eq!(range_of(101, None), None);
        assert_eq!(range_of(1, Some(u64::MAX)), None);
    }
}
