// SPDX-License-Identifier: GPL-2.0

//! The length of a buffer, up to its capacity (IOBufferMemoryDescriptor::setLength).
//!
//! It says what new maps, copies and accesses to bytes find inside. The memory is there up to the
//! capacity all the while: what was made when the descriptor was longer goes on with it.

use super::Descriptor;
use crate::pure::{
    extents::{Cover, Span},
    range::{PageRange, RangeError},
};
use core::result::Result;
use kernel::{
    error::code::{EOPNOTSUPP, ERANGE},
    error::Error,
    sync::atomic::Relaxed,
};

impl Descriptor {
    /// Bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Relaxed)
    }

    /// Bytes: what the length can be at most.
    pub(crate) fn capacity(&self) -> u64 {
        self.extents().length()
    }

    /// `EOPNOTSUPP` for memory of another kind than a buffer, `ERANGE` beyond the capacity.
    pub(crate) fn set_length(&self, length: u64) -> Result<(), Error> {
        if self.buffer().is_none() {
            return Err(EOPNOTSUPP);
        }
        if length > self.capacity() {
            return Err(ERANGE);
        }
        self.length.store(length, Relaxed);
        Ok(())
    }

    /// As [`Extents::cover`], of the bytes that it has now.
    ///
    /// [`Extents::cover`]: super::extents::Extents::cover
    pub(crate) fn cover(&self, offset: u64, length: u64) -> Result<Cover, RangeError> {
        let length = self.within(offset, length)?;

        self.extents().cover(offset, length)
    }

    /// As [`Extents::span`], of the bytes that it has now.
    ///
    /// [`Extents::span`]: super::extents::Extents::span
    pub(crate) fn span(&self, offset: u64, length: u64) -> Result<Span, RangeError> {
        let length = self.within(offset, length)?;

        self.extents().span(offset, length)
    }

    /// As [`Extents::pages_from`], of the pages that have bytes now.
    ///
    /// [`Extents::pages_from`]: super::extents::Extents::pages_from
    pub(crate) fn pages_from(
        &self,
        offset: u64,
        pages: usize,
    ) -> Result<(PageRange, u64), RangeError> {
        let (range, within) = self.extents().pages_from(offset, pages)?;
        let last = self
            .length()
            .checked_sub(1)
            .and_then(|last| self.extents().locate(last))
            .ok_or(RangeError::OutOfRange)?;

        if range.last() > last.page {
            return Err(RangeError::OutOfRange);
        }
        Ok((range, within))
    }

    /// How many bytes from `offset` on are meant: length 0 is all that follows.
    pub(crate) fn within(&self, offset: u64, length: u64) -> Result<u64, RangeError> {
        let now = self.length();
        let end = offset.checked_add(length).ok_or(RangeError::Overflow)?;
        let left = now
            .checked_sub(offset)
            .filter(|&left| left != 0 && end <= now)
            .ok_or(RangeError::OutOfRange)?;

        Ok(if length == 0 { left } else { length })
    }
}
