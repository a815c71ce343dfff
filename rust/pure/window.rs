// SPDX-License-Identifier: GPL-2.0

//! How many pages a fault puts in.
//!
//! Who touches one page after the other soon wants those that follow; anybody else gets the one that he
//! touched.

/// The window of pages that faults in a row begin with, as the core's fault-around does (64 KiB).
pub const SMALL: usize = 16;

/// That of those who go on: a page table.
pub const LARGE: usize = 512;

/// More than [`SMALL`], for [`Course::pack`].
const PACKED: usize = 32;

/// What the last faults put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The page after the last of them.
    pub next: usize,
    /// How many there were in a row, or more than count.
    pub pages: usize,
}

impl Course {
    /// In one number. That of a page that no object has comes out as another.
    #[inline]
    pub fn pack(self) -> usize {
        self.next.wrapping_mul(PACKED) | self.pages.min(SMALL)
    }

    /// From [`Course::pack`].
    #[inline]
    pub fn unpack(packed: usize) -> Self {
        Self {
            next: packed / PACKED,
            pages: packed % PACKED,
        }
    }

    /// Whether the fault at `page` does not go on with them.
    #[inline]
    pub fn is_left_at(self, page: usize) -> bool {
        page != self.next || self.pages == 0
    }

    /// When the fault at `page` has left it, and put that one in.
    #[inline]
    pub fn anew(page: usize) -> Self {
        Self {
            next: page.wrapping_add(1),
            pages: 1,
        }
    }

    /// How large a window, aligned, a fault at `page` is to fill from there on.
    pub fn window(self, page: usize) -> usize {
        if self.is_left_at(page) {
            1
        } else if self.pages < SMALL {
            SMALL
        } else {
            LARGE
        }
    }

    /// When a fault at `page` has put so many in.
    pub fn after(self, page: usize, pages: usize) -> Self {
        let before = if self.is_left_at(page) { 0 } else { self.pages };

        Self {
            next: page.wrapping_add(pages),
            pages: before.saturating_add(pages).min(SMALL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::MAX_PAGES;

    const NOTHING: Course = Course { next: 0, pages: 0 };

    /// The windows of faults at these pages, each of which fills an aligned window.
    fn windows(pages: &[usize]) -> Vec<usize> {
        let mut course = NOTHING;

        pages
            .iter()
            .map(|&page| {
                let window = course.window(page);
                course = course.after(page, window - page % window);
                window
            })
            .collect()
    }

    #[test]
    fn pages_in_a_row_come_in_ever_larger_windows() {
        assert_eq!(
            windows(&[0, 1, 16, 512, 1024]),
            [1, SMALL, LARGE, LARGE, LARGE]
        );
        // From the middle of a window it takes one more to be sure.
        assert_eq!(
            windows(&[13, 14, 16, 32, 512]),
            [1, SMALL, SMALL, LARGE, LARGE]
        );
    }

    #[test]
    fn others_come_alone() {
        assert_eq!(windows(&[0, 16, 32, 0, 2, 4, 3, 3]), [1; 8]);
    }

    #[test]
    fn after_a_jump_it_begins_anew() {
        assert_eq!(
            windows(&[0, 1, 16, 5000, 5001, 7]),
            [1, SMALL, LARGE, 1, SMALL, 1]
        );
    }

    #[test]
    fn a_number_keeps_it() {
        let course = Course {
            next: MAX_PAGES as usize,
            pages: SMALL,
        };

        assert_eq!(Course::unpack(course.pack()), course);
        assert_eq!(Course::unpack(NOTHING.pack()), NOTHING);
        assert_eq!(Course::anew(7), NOTHING.after(7, 1));
    }

    #[test]
    fn the_end_of_all_numbers_is_no_page_in_a_row() {
        let course = NOTHING.after(usize::MAX, 1);

        assert_eq!(course, Course { next: 0, pages: 1 });
    }
}
