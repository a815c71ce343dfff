// SPDX-License-Identifier: GPL-2.0

//! A descriptor's table of [`Extent`]s.

use crate::pure::{
    extents::{self, Content, Cover, Extent, Spot},
    range::{PageRange, RangeError, PAGE_SIZE},
};
use core::slice;
use kernel::prelude::*;

/// The extents of a descriptor, at least one. Few descriptors have more, and those with one need no
/// memory for it.
pub(crate) enum Extents {
    One(Extent),
    Many(KVVec<Extent>),
}

impl Extents {
    /// So many bytes, from `head` in their first page.
    pub(crate) fn new(head: u64, length: u64) -> core::result::Result<Self, RangeError> {
        Extent::first(head, length).map(Self::One)
    }

    /// All bytes of so many pages.
    pub(crate) fn of_pages(range: PageRange) -> core::result::Result<Self, RangeError> {
        let length = (range.pages() as u64).checked_mul(PAGE_SIZE);

        Self::new(0, length.ok_or(RangeError::Overflow)?)
    }

    /// Adds bytes in pages of their own, from `head` in the first. `EINVAL`, `EOVERFLOW`, `ENOMEM`.
    pub(crate) fn push(&mut self, head: u64, length: u64) -> Result {
        let last = self.as_slice().last().ok_or(EINVAL)?;

        if let Some(joined) = last.joined(head, length)? {
            match self {
                Self::One(extent) => *extent = joined,
                Self::Many(many) => {
                    if let Some(last) = many.last_mut() {
                        *last = joined;
                    }
                }
            }
            return Ok(());
        }
        let next = last.next(head, length)?;
        match self {
            Self::One(extent) => {
                let mut many = KVVec::new();
                many.push(*extent, GFP_KERNEL_ACCOUNT)?;
                many.push(next, GFP_KERNEL_ACCOUNT)?;
                *self = Self::Many(many);
            }
            Self::Many(many) => many.push(next, GFP_KERNEL_ACCOUNT)?,
        }
        Ok(())
    }

    pub(crate) fn as_slice(&self) -> &[Extent] {
        match self {
            Self::One(extent) => slice::from_ref(extent),
            Self::Many(many) => many,
        }
    }

    /// How many bytes.
    pub(crate) fn length(&self) -> u64 {
        self.as_slice().last().map_or(0, Extent::end)
    }

    /// How many pages the page space has.
    pub(crate) fn pages(&self) -> usize {
        self.as_slice().last().map_or(0, Extent::page_end)
    }

    /// As [`extents::locate`].
    pub(crate) fn locate(&self, position: u64) -> Option<Spot> {
        extents::locate(self.as_slice(), position)
    }

    /// As [`extents::content`].
    pub(crate) fn content(&self, page: usize) -> Option<Content> {
        extents::content(self.as_slice(), page)
    }

    /// As [`extents::cover`].
    pub(crate) fn cover(
        &self,
        offset: u64,
        length: u64,
    ) -> core::result::Result<Cover, RangeError> {
        extents::cover(self.as_slice(), offset, length)
    }
}
