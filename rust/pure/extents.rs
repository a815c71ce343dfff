// SPDX-License-Identifier: GPL-2.0

//! The bytes of a descriptor, and the pages that they lie in.
//!
//! A descriptor is a list of bytes. Bytes that lie one after the other in consecutive pages are an
//! extent. The pages of the first extent, then those of the second, and so on, are the descriptor's
//! page space: all that is mapped, suspended and faulted in is numbered in it. An extent can begin in
//! the middle of its first page and end in the middle of its last.
//!
//! Where one extent ends with a page and the next begins with one, the two are one: so bytes have
//! addresses that follow one another if and only if they are in one extent.

use super::range::{PageRange, RangeError, MAX_PAGES, PAGE_SIZE};

/// Some of a descriptor's bytes; never none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The descriptor's bytes before it.
    position: u64,
    length: u64,
    /// The first of its pages.
    page: usize,
    /// Where in that page it begins.
    head: u64,
}

/// A byte's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Of the page space.
    pub page: usize,
    /// Where in the page.
    pub offset: u64,
    /// How many bytes of the extent there are from it on.
    pub length: u64,
}

/// What of a descriptor lies in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The descriptor's bytes before it.
    pub position: u64,
    /// Where in the page.
    pub offset: u64,
    pub length: u64,
}

impl Content {
    /// What of it is in `span`, and so the caller's.
    pub fn clipped(&self, span: &Span) -> Option<Self> {
        let position = self.position.max(span.offset);
        let end = (self.position + self.length).min(span.offset + span.length);

        Some(Self {
            position,
            offset: self.offset + (position - self.position),
            length: end.checked_sub(position).filter(|&length| length != 0)?,
        })
    }
}

/// Some of a descriptor's bytes, that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The descriptor's bytes before it.
    pub offset: u64,
    pub length: u64,
    /// The pages that they lie in.
    pub pages: PageRange,
}

/// Bytes that can be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The pages that they lie in.
    pub pages: PageRange,
    /// Where in the first page they begin.
    pub head: u64,
    /// How many there are.
    pub length: u64,
}

impl Extent {
    /// The first of a descriptor: so many bytes, from `head` in the first page.
    pub fn first(head: u64, length: u64) -> Result<Self, RangeError> {
        let extent = Self {
            position: 0,
            length: 0,
            page: 0,
            head: 0,
        };

        extent.next(head, length)
    }

    /// One that comes after it.
    pub fn next(&self, head: u64, length: u64) -> Result<Self, RangeError> {
        if length == 0 {
            return Err(RangeError::Empty);
        }
        if head >= PAGE_SIZE {
            return Err(RangeError::Misaligned);
        }
        Self {
            position: self.end(),
            length,
            page: self.page_end(),
            head,
        }
        .checked()
    }

    /// It and one that comes after it, if the two are one.
    pub fn joined(&self, head: u64, length: u64) -> Result<Option<Self>, RangeError> {
        if head != 0 || (self.head + self.length) % PAGE_SIZE != 0 {
            return Ok(None);
        }
        let length = self
            .length
            .checked_add(length)
            .ok_or(RangeError::Overflow)?;

        Self { length, ..*self }.checked().map(Some)
    }

    /// Refuses what goes beyond the longest descriptor: from here on no sum overflows.
    fn checked(self) -> Result<Self, RangeError> {
        let pages = self
            .head
            .checked_add(self.length)
            .map(|bytes| bytes.div_ceil(PAGE_SIZE))
            .and_then(|pages| pages.checked_add(self.page as u64))
            .filter(|&pages| pages <= MAX_PAGES && usize::try_from(pages).is_ok());

        self.position
            .checked_add(self.length)
            .and(pages)
            .map(|_| self)
            .ok_or(RangeError::Overflow)
    }

    /// The descriptor's bytes up to its end.
    pub fn end(&self) -> u64 {
        self.position + self.length
    }

    /// The descriptor's pages up to its end.
    pub fn page_end(&self) -> usize {
        self.page + (self.head + self.length).div_ceil(PAGE_SIZE) as usize
    }

    /// What of it is among the bytes from `start` to `end`: where in its first page that begins, and
    /// how many bytes it is.
    pub fn clipped(&self, start: u64, end: u64) -> Option<(u64, u64)> {
        let first = start.max(self.position);
        let length = end
            .min(self.end())
            .checked_sub(first)
            .filter(|&length| length != 0)?;

        Some(((self.head + (first - self.position)) % PAGE_SIZE, length))
    }

    /// Where in its first page it begins, and how many bytes it is.
    pub fn shape(&self) -> (u64, u64) {
        (self.head, self.length)
    }

    /// Where a byte of it is; `None` beyond its end.
    fn locate(&self, position: u64) -> Option<Spot> {
        let before = position.checked_sub(self.position)?;
        let length = self.length.checked_sub(before).filter(|&rest| rest != 0)?;
        let from_first_page = self.head + before;

        Some(Spot {
            page: self.page + (from_first_page / PAGE_SIZE) as usize,
            offset: from_first_page % PAGE_SIZE,
            length,
        })
    }

    /// What of it lies in a page; `None` for a page of another extent.
    fn content(&self, page: usize) -> Option<Content> {
        let start = (page.checked_sub(self.page)? as u64).checked_mul(PAGE_SIZE)?;
        let from = start.max(self.head);
        let to = start.checked_add(PAGE_SIZE)?.min(self.head + self.length);

        Some(Content {
            position: self.position + (from - self.head),
            offset: from - start,
            length: to.checked_sub(from).filter(|&length| length != 0)?,
        })
    }
}

/// Where the byte at `position` is; `None` beyond the end.
pub fn locate(extents: &[Extent], position: u64) -> Option<Spot> {
    let following = extents.partition_point(|extent| extent.position <= position);

    extents.get(following.checked_sub(1)?)?.locate(position)
}

/// What lies in a page; `None` beyond the end.
pub fn content(extents: &[Extent], page: usize) -> Option<Content> {
    let following = extents.partition_point(|extent| extent.page <= page);

    extents.get(following.checked_sub(1)?)?.content(page)
}

/// `length` bytes from `offset` on, which need not be mappable; otherwise as [`cover`].
pub fn span(extents: &[Extent], offset: u64, length: u64) -> Result<Span, RangeError> {
    let end = extents.last().map_or(0, Extent::end);
    let wanted = offset.checked_add(length).ok_or(RangeError::Overflow)?;
    let first = locate(extents, offset)
        .filter(|_| wanted <= end)
        .ok_or(RangeError::OutOfRange)?;
    let length = if length == 0 { end - offset } else { length };
    let last = locate(extents, offset + (length - 1)).ok_or(RangeError::OutOfRange)?;

    Ok(Span {
        offset,
        length,
        pages: PageRange::new(first.page, last.page - first.page + 1)
            .ok_or(RangeError::Overflow)?,
    })
}

/// So many pages from that of the byte `offset` on, and where in that page it is. As [`cover`], but
/// bytes of the last page need not be the descriptor's.
pub fn pages_from(
    extents: &[Extent],
    offset: u64,
    pages: usize,
) -> Result<(PageRange, u64), RangeError> {
    (pages as u64)
        .checked_mul(PAGE_SIZE)
        .and_then(|length| offset.checked_add(length))
        .ok_or(RangeError::Overflow)?;
    let following = extents.partition_point(|extent| extent.position <= offset);
    let extent = following
        .checked_sub(1)
        .and_then(|index| extents.get(index))
        .ok_or(RangeError::OutOfRange)?;
    let spot = extent.locate(offset).ok_or(RangeError::OutOfRange)?;
    let range = PageRange::new(spot.page, pages).ok_or(RangeError::Overflow)?;

    if range.end() <= extent.page_end() {
        Ok((range, spot.offset))
    } else if range.end() <= extents.last().map_or(0, Extent::page_end) {
        Err(RangeError::Misaligned)
    } else {
        Err(RangeError::OutOfRange)
    }
}

/// The pages of `length` bytes from `offset` on; length 0 is all that follows. As
/// [`PageRange::part`], but `Misaligned` means that the bytes are of several extents.
pub fn cover(extents: &[Extent], offset: u64, length: u64) -> Result<Cover, RangeError> {
    let Span { pages, length, .. } = span(extents, offset, length)?;
    let first = locate(extents, offset).ok_or(RangeError::OutOfRange)?;

    if length > first.length {
        return Err(RangeError::Misaligned);
    }
    Ok(Cover {
        pages,
        head: first.offset,
        length,
    })
}

#[cfg(test)]
mod tests;
