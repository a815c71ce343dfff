// SPDX-License-Identifier: GPL-2.0

//! A copy of the memory, of one's own.

use super::{
    source::{Memory, Piece},
    Remap, Taken,
};
use crate::{
    map::view::Subject,
    os::{pages::Page, placing::Segment, scratch_file::ScratchFile, task},
    pure::remap::{Inheritance, Protection, Protections},
};
use kernel::{page::PAGE_SIZE, prelude::*};

impl Remap<'_> {
    /// The memory of every piece: as a lazy copy, or its bytes in one file in memory that nobody else
    /// has.
    pub(super) fn copied(&self, pieces: KVVec<Piece>) -> Result<Taken> {
        let mut taken = Taken::new();
        let mut maps = KVVec::with_capacity(pieces.len(), GFP_KERNEL)?;
        let mut length = 0_usize;

        for piece in &pieces {
            self.grant_copy(piece)?;
        }
        for piece in &pieces {
            let map = self.lazily(piece)?;
            if map.is_none() {
                length = length.checked_add(piece.length).ok_or(ENOMEM)?;
            }
            maps.push(map, GFP_KERNEL)?;
        }
        let copy = if length == 0 {
            None
        } else {
            Some(ScratchFile::new(length)?)
        };
        let mut offset = 0;
        for (piece, map) in pieces.iter().zip(maps) {
            let granted = self.grant_copy(piece)?;
            let segment = match map {
                Some(map) => Segment {
                    file: self.alias(Subject::new(map), granted)?,
                    offset: 0,
                    length: piece.length,
                    protection: granted.cur,
                    private: false,
                },
                None => {
                    let copy = copy.as_ref().ok_or(EIO)?;
                    self.copy_piece(piece, copy, offset)?;
                    self.segment_of(copy, &mut offset, piece.length, granted)?
                }
            };
            taken.push(segment, granted)?;
        }
        Ok(taken)
    }

    /// So many bytes of a copy from `offset` on, which is that of the next ones then.
    fn segment_of(
        &self,
        copy: &ScratchFile,
        offset: &mut usize,
        length: usize,
        granted: Protections,
    ) -> Result<Segment> {
        let private = self.inheritance == Inheritance::Copy;
        let segment = Segment {
            file: self.again(copy.file().clone(), !private, Protections::ALL, granted)?,
            offset: *offset,
            length,
            protection: granted.cur,
            private,
        };

        *offset = offset.checked_add(length).ok_or(ENOMEM)?;
        Ok(segment)
    }

    fn grant_copy(&self, piece: &Piece) -> Result<Protections> {
        let possible = if self.wanted.is_none() && piece.protections.max == Protection::ALL {
            self.possible(Protection::ALL)
        } else {
            Protection::READ | Protection::WRITE
        };

        Ok(piece.protections.granted(self.wanted, true, possible)?)
    }

    /// Copies a piece, page by page: what is written meanwhile can be in it or not.
    fn copy_piece(&self, piece: &Piece, copy: &ScratchFile, offset: usize) -> Result {
        let address_space = self.source_task.address_space();

        for page in 0..piece.length / PAGE_SIZE {
            if task::is_killed() {
                return Err(EINTR);
            }
            task::yield_if_needed();
            let index = page + offset / PAGE_SIZE;
            let write = |from: &Page| copy.write(index, from);
            match &piece.memory {
                Memory::Map(subject, first) => {
                    let page = first.checked_add(page).ok_or(EIO)?;
                    // One without memory is zeros, as the file is.
                    subject
                        .map()
                        .with_page(address_space, page, self.deadline, write)?;
                }
                Memory::File(..) | Memory::Private => {
                    let address = piece.address.saturating_add(page.saturating_mul(PAGE_SIZE));
                    address_space
                        .with_page_at(address, write)
                        .map_err(super::not_to_be_had)?;
                }
            }
        }
        Ok(())
    }
}
