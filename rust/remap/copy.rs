// SPDX-License-Identifier: GPL-2.0

//! A copy of the memory, of one's own.

use super::{
    source::{Memory, Piece},
    Remap, Taken,
};
use crate::{
    os::{pages::Page, placing::Segment, scratch_file::ScratchFile, task},
    pure::remap::{Inheritance, Protection, Protections},
};
use kernel::{page::PAGE_SIZE, prelude::*};

impl Remap<'_> {
    /// The bytes of every piece, in one file in memory that nobody else has.
    pub(super) fn copied(&self, pieces: KVVec<Piece>) -> Result<Taken> {
        let mut taken = Taken::new();
        let mut offset = 0;

        for piece in &pieces {
            self.grant_copy(piece)?;
        }
        let length = usize::try_from(self.source.length).map_err(|_| ENOMEM)?;
        let copy = ScratchFile::new(length)?;
        for piece in &pieces {
            self.copy_piece(piece, &copy, offset)?;
            let granted = self.grant_copy(piece)?;
            let private = self.inheritance == Inheritance::Copy;
            let segment = Segment {
                file: self.again(copy.file().clone(), !private, Protections::ALL, granted)?,
                offset,
                length: piece.length,
                protection: granted.cur,
                private,
            };
            taken.push(segment, granted)?;
            offset = offset.checked_add(piece.length).ok_or(ENOMEM)?;
        }
        Ok(taken)
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
