// SPDX-License-Identifier: GPL-2.0

//! The same memory: what either side writes, the other sees.

use super::{
    source::{Memory, Piece},
    Remap, Taken,
};
use crate::{
    descriptor::{prepared::Purpose, Descriptor},
    map::{
        self,
        view::{self, Subject},
        Map,
    },
    os::{
        limited::{self, Limits},
        mapped::MappableFile,
        placing::Segment,
    },
    pure::{
        options::Options,
        remap::{Inheritance, Protection, Protections},
    },
    registry::Strong,
};
use kernel::prelude::*;

impl Remap<'_> {
    /// Every piece as it is: a map as an alias of that map, a file by the file itself, and what the
    /// task sees alone by the very pages, which are pinned.
    pub(super) fn shared(&self, pieces: KVVec<Piece>) -> Result<Taken> {
        let mut taken = Taken::new();

        // Before any page is pinned.
        for piece in &pieces {
            self.grant(piece)?;
        }
        for piece in pieces {
            let granted = self.grant(&piece)?;
            let (file, offset) = match piece.memory {
                Memory::Map(subject, page) => (self.alias(subject, granted)?, super::bytes(page)?),
                Memory::File(file, offset) => {
                    (self.again(file, true, piece.protections, granted)?, offset)
                }
                Memory::Private => {
                    let map = self.pinned(piece.address, piece.length)?;
                    (self.alias(Subject::new(map), granted)?, 0)
                }
            };
            let segment = Segment {
                file,
                offset,
                length: piece.length,
                protection: granted.cur,
                private: false,
            };
            taken.push(segment, granted)?;
        }
        Ok(taken)
    }

    /// What the new mapping of a piece gets. Only a file's own mapping can be executed.
    fn grant(&self, piece: &Piece) -> Result<Protections> {
        let possible = match piece.memory {
            Memory::File(..) => self.possible(piece.protections.max),
            _ => Protection::READ | Protection::WRITE,
        };

        Ok(piece.protections.granted(self.wanted, false, possible)?)
    }

    /// What a mapping of a file can get, of which the kernel would let it have `natural`. What goes
    /// through a file of ours, which takes rights away, is never executed.
    pub(super) fn possible(&self, natural: Protection) -> Protection {
        let is_natural = self.wanted.is_none_or(|wanted| wanted.max == natural);

        if self.inheritance != Inheritance::None && is_natural {
            Protection::ALL
        } else {
            Protection::READ | Protection::WRITE
        }
    }

    /// A file to be mapped again, which would by itself get `natural`.
    pub(super) fn again(
        &self,
        file: MappableFile,
        shared: bool,
        natural: Protections,
        granted: Protections,
    ) -> Result<MappableFile> {
        if self.inheritance != Inheritance::None && granted.max == natural.max {
            return Ok(file);
        }
        Ok(limited::limit(file, shared, self.limits(granted))?.into())
    }

    /// A map to be mapped again. `EIO` for one that has ended.
    pub(super) fn alias(&self, subject: Subject, granted: Protections) -> Result<MappableFile> {
        if subject.map().has_ended() {
            return Err(EIO);
        }
        Ok(view::alias(subject, self.limits(granted))?.into())
    }

    /// A map of what the source task has at an address, for as long as somebody has it mapped.
    fn pinned(&self, address: usize, length: usize) -> Result<Strong<Map>> {
        let length = length as u64;
        let address_space = self.source_task.address_space();
        let descriptor = Descriptor::new_private_memory(address_space, address, length)
            .map_err(super::not_to_be_had)?;

        kept_map(&descriptor, Purpose::Write)
    }

    fn limits(&self, granted: Protections) -> Limits {
        Limits {
            max: granted.max,
            not_inherited: self.inheritance == Inheritance::None,
        }
    }
}

/// A map of all of a descriptor that lives as long as somebody has it mapped.
pub(super) fn kept_map(descriptor: &Strong<Descriptor>, purpose: Purpose) -> Result<Strong<Map>> {
    let extents = descriptor.extents();
    let cover = extents.cover(0, extents.length())?;

    Map::new(map::Request {
        memory: Descriptor::prepare(descriptor, cover.pages, purpose)?,
        cover,
        options: Options::client_mapping(true),
        inheritance: map::Inheritance::Share,
        keep: true,
        in_kernel: false,
        unpinnable: false,
    })
}
