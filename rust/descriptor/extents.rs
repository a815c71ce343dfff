// SPDX-License-Identifier: GPL-2.0

//! A descriptor's table of [`Extent`]s.

use crate::pure::{
    extents::{self, Content, Cover, Extent, Span, Spot},
    range::{PageRange, RangeError},
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

    /// Adds all bytes of others to those of a table, if there is one.
    pub(crate) fn append(table: &mut Option<Self>, others: &Self) -> Result {
        for (head, length) in others.as_slice().iter().map(Extent::shape) {
            match table {
                Some(table) => table.push(head, length)?,
                None => *table = Some(Self::new(head, length)?),
            }
        }
        Ok(())
    }

    /// Some of the bytes, and the pages that they are in. As [`Extents::span`], and `ENOMEM`.
    pub(crate) fn slice(&self, offset: u64, length: u64) -> Result<(PageRange, Self)> {
        let span = self.span(offset, length)?;
        let end = offset.checked_add(span.length).ok_or(EOVERFLOW)?;
        let mut slice = None;

        for extent in self.as_slice() {
            if let Some((head, length)) = extent.clipped(offset, end) {
                match &mut slice {
                    None => slice = Some(Self::new(head, length)?),
                    Some(slice) => slice.push(head, length)?,
                }
            }
        }
        Ok((span.pages, slice.ok_or(ERANGE)?))
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

    /// As [`extents::span`].
    pub(crate) fn span(&self, offset: u64, length: u64) -> core::result::Result<Span, RangeError> {
        extents::span(self.as_slice(), offset, length)
    }

    /// As [`extents::pages_from`].
    pub(crate) fn pages_from(
        &self,
        offset: u64,
        pages: usize,
    ) -> core::result::Result<(PageRange, u64), RangeError> {
        extents::pages_from(self.as_slice(), offset, pages)
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
