// SPDX-License-Identifier: GPL-2.0

//! Mach's vm_remap: memory that a task has at some addresses, at others as well.
//!
//! The source is taken first, piece by piece, as files that can be mapped anywhere: so it does not
//! matter what becomes of its addresses, and memory can be remapped onto itself. Only then does the
//! target map them, all or none.

mod copy;
mod lazy;
mod share;
mod source;

use crate::{
    os::{
        placing::{place, Segment, Spot},
        wait::Deadline,
    },
    pure::remap::{Inheritance, Protections, Source},
    task::{Task, Work},
};
use kernel::{fs::File, page::PAGE_SIZE, prelude::*, sync::aref::ARef};

/// What is asked for.
pub(crate) struct Remap<'a> {
    pub(crate) source_task: &'a Task,
    pub(crate) source: Source,
    pub(crate) target_task: &'a Task,
    pub(crate) spot: Spot,
    pub(crate) copy: bool,
    pub(crate) inheritance: Inheritance,
    /// What the new mapping is to get; `None` for what the source has.
    pub(crate) wanted: Option<Protections>,
    pub(crate) deadline: Deadline,
}

/// What came of it.
pub(crate) struct Remapped {
    /// Where the first page is.
    pub(crate) address: u64,
    /// What holds for all of it.
    pub(crate) protections: Protections,
}

/// Segments that the target is to map, and what holds for all of them.
struct Taken {
    segments: KVVec<Segment>,
    protections: Protections,
}

impl Remap<'_> {
    /// Does it. `own` is the file that the target task belongs to.
    ///
    /// Of the source: `EFAULT` where nothing is mapped, `EACCES` for rights that it does not have or
    /// that the new mapping cannot, `EOPNOTSUPP` for memory that is mapped by its driver alone, `EIO`
    /// for memory that cannot be had. Of the target: as [`place`]. Of either: `ESRCH` if it is dead,
    /// `ETIMEDOUT`, `EINTR`, `ENOMEM`.
    pub(crate) fn run(&self, own: ARef<File>) -> Result<Remapped> {
        for task in [self.target_task, self.source_task] {
            task.process().ok_or(ESRCH)?;
        }
        let pieces = source::pieces(self.source_task.address_space(), self.source)?;
        let taken = if self.copy {
            self.copied(pieces)?
        } else {
            self.shared(pieces)?
        };
        let placing = Placing {
            segments: taken.segments,
            spot: self.spot,
        };
        let address = self.target_task.run(own, placing, self.deadline)?;

        Ok(Remapped {
            address: address as u64,
            protections: taken.protections,
        })
    }
}

impl Taken {
    fn new() -> Self {
        Self {
            segments: KVVec::new(),
            protections: Protections::ALL,
        }
    }

    /// One more, with those rights.
    fn push(&mut self, segment: Segment, protections: Protections) -> Result {
        self.segments.push(segment, GFP_KERNEL)?;
        self.protections = self.protections.and(protections);
        Ok(())
    }
}

/// The target's part.
struct Placing {
    segments: KVVec<Segment>,
    spot: Spot,
}

impl Work for Placing {
    fn run(self) -> Result<usize> {
        place(&self.segments, self.spot)
    }
}

/// Bytes of so many pages.
fn bytes(pages: usize) -> Result<usize> {
    pages.checked_mul(PAGE_SIZE).ok_or(EFAULT)
}

/// Something is mapped there, but has no memory to give: as an access would find by SIGBUS.
fn not_to_be_had(error: Error) -> Error {
    if error == EFAULT {
        EIO
    } else {
        error
    }
}
