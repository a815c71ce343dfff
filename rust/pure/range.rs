// SPDX-License-Identifier: GPL-2.0

//! Ranges of pages inside an object.

/// Bytes in a page, on every architecture that the module is built for.
pub const PAGE_SIZE: u64 = 4096;

/// The longest object, in pages: its last byte is at a file offset (2^63 - 1).
pub const MAX_PAGES: u64 = (i64::MAX as u64 + 1) / PAGE_SIZE;

/// Why a range is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeError {
    /// There is nothing in it.
    Empty,
    /// It does not begin at a page.
    Misaligned,
    /// Its end is no number.
    Overflow,
    /// It begins or ends beyond the object.
    OutOfRange,
}

/// Pages `[start, start + pages)` of an object, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRange {
    start: usize,
    pages: usize,
}

impl PageRange {
    /// Pages `[start, start + pages)`; `None` if there are none, or the end is no number.
    pub fn new(start: usize, pages: usize) -> Option<Self> {
        start.checked_add(pages).filter(|_| pages != 0)?;
        Some(Self { start, pages })
    }

    /// A whole object of `length` bytes, rounded up.
    pub fn object(length: u64) -> Result<Self, RangeError> {
        if length == 0 {
            return Err(RangeError::Empty);
        }
        let pages = length.div_ceil(PAGE_SIZE);
        if pages > MAX_PAGES {
            return Err(RangeError::Overflow);
        }
        Ok(Self {
            start: 0,
            pages: usize::try_from(pages).map_err(|_| RangeError::Overflow)?,
        })
    }

    /// `length` bytes from `offset` of an object, rounded up; length 0 is all that follows.
    ///
    /// This is XNU's rule for createMappingInTask: an offset at the end is refused, even for
    /// length 0.
    pub fn part(object: Self, offset: u64, length: u64) -> Result<Self, RangeError> {
        if offset % PAGE_SIZE != 0 {
            return Err(RangeError::Misaligned);
        }
        let end = offset.checked_add(length).ok_or(RangeError::Overflow)?;
        let start = usize::try_from(offset / PAGE_SIZE).map_err(|_| RangeError::Overflow)?;
        let end = usize::try_from(end.div_ceil(PAGE_SIZE)).map_err(|_| RangeError::Overflow)?;
        if start >= object.pages || end > object.pages {
            return Err(RangeError::OutOfRange);
        }
        let end = if length == 0 { object.pages } else { end };
        Ok(Self {
            start,
            pages: end - start,
        })
    }

    /// All pages that have one of `length` bytes from `offset` of an object; length 0 is all that
    /// follow.
    pub fn covering(object: Self, offset: u64, length: u64) -> Result<Self, RangeError> {
        let within = offset % PAGE_SIZE;
        let length = match length {
            0 => 0,
            length => length.checked_add(within).ok_or(RangeError::Overflow)?,
        };

        Self::part(object, offset - within, length)
    }

    /// The range as an object of its own.
    pub fn at_zero(self) -> Self {
        Self { start: 0, ..self }
    }

    /// `pages` of its pages, after the first `before`; `None` if it has not so many.
    pub fn slice(self, before: usize, pages: usize) -> Option<Self> {
        if pages == 0 || before.checked_add(pages)? > self.pages {
            return None;
        }
        Some(Self {
            start: self.start.checked_add(before)?,
            pages,
        })
    }

    /// The first page.
    pub fn start(self) -> usize {
        self.start
    }

    /// How many pages.
    pub fn pages(self) -> usize {
        self.pages
    }

    /// The last page.
    pub fn last(self) -> usize {
        self.start + (self.pages - 1)
    }

    /// The page after the last.
    pub fn end(self) -> usize {
        self.start + self.pages
    }

    /// The page of the object that is the range's `index`-th, if it has so many.
    pub fn nth(self, index: usize) -> Option<usize> {
        if index < self.pages {
            self.start.checked_add(index)
        } else {
            None
        }
    }

    /// Whether the two have a page in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.last() && other.start <= self.last()
    }

    /// Where `self` is inside `outer`, as the number of pages before it; `None` if it is not.
    pub fn inside(self, outer: Self) -> Option<usize> {
        if outer.start <= self.start && self.last() <= outer.last() {
            Some(self.start - outer.start)
        } else {
            None
        }
    }
}

/// Bytes of an address space or of a file, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    start: usize,
    last: usize,
}

impl AddressRange {
    /// `length` bytes from `address` on. `Empty`; `Overflow` if they reach beyond the last address.
    pub fn new(address: u64, length: u64) -> Result<Self, RangeError> {
        let more = length.checked_sub(1).ok_or(RangeError::Empty)?;
        let last = address.checked_add(more).ok_or(RangeError::Overflow)?;
        // The byte after it has an address too, of its page at the least.
        last.checked_add(PAGE_SIZE).ok_or(RangeError::Overflow)?;
        let number = |address| usize::try_from(address).map_err(|_| RangeError::Overflow);
        Ok(Self {
            start: number(address)?,
            last: number(last)?,
        })
    }

    /// Where it begins in its first page.
    pub fn head(self) -> u64 {
        self.start as u64 % PAGE_SIZE
    }

    /// How many bytes.
    pub fn length(self) -> u64 {
        (self.last - self.start) as u64 + 1
    }

    /// The address after it.
    pub fn end(self) -> u64 {
        self.last as u64 + 1
    }

    /// The address of its first page.
    pub fn first_page(self) -> usize {
        self.start - self.head() as usize
    }

    /// The number of its first page, from address 0 on.
    pub fn page_number(self) -> usize {
        self.start / PAGE_SIZE as usize
    }

    /// In how many pages it lies.
    pub fn pages(self) -> usize {
        self.last / PAGE_SIZE as usize - self.page_number() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_is_whole_pages() {
        assert_eq!(PageRange::object(1).unwrap().pages(), 1);
        assert_eq!(PageRange::object(PAGE_SIZE).unwrap().pages(), 1);
        assert_eq!(PageRange::object(PAGE_SIZE + 1).unwrap().pages(), 2);
    }

    #[test]
    fn an_object_of_nothing_or_too_much_is_refused() {
        assert_eq!(PageRange::object(0), Err(RangeError::Empty));
        assert!(PageRange::object(i64::MAX as u64).is_ok());
        assert_eq!(
            PageRange::object(i64::MAX as u64 + 2),
            Err(RangeError::Overflow)
        );
        assert_eq!(PageRange::object(u64::MAX), Err(RangeError::Overflow));
    }

    #[test]
    fn length_0_is_the_rest() {
        let object = PageRange::object(4 * PAGE_SIZE).unwrap();
        let part = PageRange::part(object, PAGE_SIZE, 0).unwrap();
        assert_eq!((part.start(), part.pages()), (1, 3));
    }

    #[test]
    fn the_end_is_no_offset() {
        let object = PageRange::object(4 * PAGE_SIZE).unwrap();
        for length in [0, 1] {
            assert_eq!(
                PageRange::part(object, 4 * PAGE_SIZE, length),
                Err(RangeError::OutOfRange)
            );
        }
    }

    proptest! {
        #[test]
        fn a_part_is_inside(length: u64, offset: u64, part: u64) {
            if let Ok(object) = PageRange::object(length) {
                if let Ok(range) = PageRange::part(object, offset, part) {
                    prop_assert!(range.pages() > 0);
                    prop_assert_eq!(range.inside(object), Some(range.start()));
                    prop_assert_eq!(range.start() as u64 * PAGE_SIZE, offset);
                    prop_assert!(range.pages() as u64 >= part.div_ceil(PAGE_SIZE));
                }
            }
        }

        #[test]
        fn a_part_is_refused_exactly_if_a_byte_is_outside(
            pages in 1_u64..64, page in 0_u64..80, length in 0_u64..(80 * PAGE_SIZE)
        ) {
            let object = PageRange::object(pages * PAGE_SIZE).unwrap();
            let fits = page < pages && page * PAGE_SIZE + length <= pages * PAGE_SIZE;
            prop_assert_eq!(PageRange::part(object, page * PAGE_SIZE, length).is_ok(), fits);
        }

        #[test]
        fn a_cover_has_every_page_of_a_byte(
            pages in 1_u64..9, offset in 0_u64..(10 * PAGE_SIZE), length in 0_u64..(10 * PAGE_SIZE)
        ) {
            let object = PageRange::object(pages * PAGE_SIZE).unwrap();
            let end = if length == 0 { pages * PAGE_SIZE } else { offset + length };
            match PageRange::covering(object, offset, length) {
                Ok(cover) => {
                    prop_assert_eq!(cover.start() as u64, offset / PAGE_SIZE);
                    prop_assert_eq!(cover.last() as u64, (end - 1) / PAGE_SIZE);
                }
                Err(_) => prop_assert!(offset >= pages * PAGE_SIZE || end > pages * PAGE_SIZE),
            }
        }

        #[test]
        fn overlap_means_a_common_page(a in 0_usize..20, m in 1_usize..9, b in 0_usize..20, n in 1_usize..9) {
            let (x, y) = (PageRange { start: a, pages: m }, PageRange { start: b, pages: n });
            let common = (a..a + m).any(|page| (b..b + n).contains(&page));
            prop_assert_eq!(x.overlaps(y), common);
            prop_assert_eq!(x.inside(y).is_some(), (a..a + m).all(|page| (b..b + n).contains(&page)));
        }

        #[test]
        fn a_slice_is_inside(a in 0_usize..20, m in 1_usize..9, before in 0_usize..12, pages in 0_usize..12) {
            let range = PageRange { start: a, pages: m };
            match range.slice(before, pages) {
                Some(slice) => {
                    prop_assert_eq!(slice.inside(range), Some(before));
                    prop_assert_eq!(slice.pages(), pages);
                }
                None => prop_assert!(pages == 0 || before + pages > m),
            }
        }
    }
}
