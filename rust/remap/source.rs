// SPDX-License-Identifier: GPL-2.0

//! What the source task has at the addresses.

use crate::{
    map::view::{Subject, View},
    os::{
        address_space::KeptAddressSpace,
        mapped::{self, MappableFile, Mapped},
    },
    pure::remap::{Protections, Source},
};
use kernel::prelude::*;

/// Some addresses at which one thing is mapped.
pub(super) struct Piece {
    pub(super) address: usize,
    /// Bytes, whole pages.
    pub(super) length: usize,
    pub(super) protections: Protections,
    pub(super) memory: Memory,
}

/// What is mapped.
pub(super) enum Memory {
    /// A map, from one of its pages on.
    Map(Subject, usize),
    /// A file that others see too, from one of its bytes on.
    File(MappableFile, usize),
    /// What the task sees alone.
    Private,
}

/// All of it, in order, as it is at one moment. `EFAULT` where nothing is mapped; `EOPNOTSUPP` for
/// what the kernel does not let out of its mapping; `ESRCH`, `ENOMEM`.
pub(super) fn pieces(address_space: &KeptAddressSpace, source: Source) -> Result<KVVec<Piece>> {
    let start = usize::try_from(source.start).map_err(|_| EFAULT)?;
    let end = usize::try_from(source.end()).map_err(|_| EFAULT)?;
    let mut pieces = KVVec::new();
    let mut address = start;
    let mut closed = false;

    address_space.each_mapped(start, end, |mapped: Mapped<'_, View>| {
        let memory = match mapped.memory {
            mapped::Memory::Object(view, page) => Memory::Map(view.subject().clone(), page),
            mapped::Memory::File(file, offset) => Memory::File(file, offset),
            mapped::Memory::Private => Memory::Private,
            mapped::Memory::Closed => {
                // A hole further on is worse.
                closed = true;
                return Ok(());
            }
        };
        let piece = Piece {
            address,
            length: mapped.length,
            protections: mapped.protections,
            memory,
        };
        address = address.checked_add(mapped.length).ok_or(EFAULT)?;
        Ok(pieces.push(piece, GFP_KERNEL)?)
    })?;
    if closed {
        return Err(EOPNOTSUPP);
    }
    Ok(pieces)
}
