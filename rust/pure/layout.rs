// SPDX-License-Identifier: GPL-2.0

//! How the pages of a descriptor that consists of others are those of its parts.

use super::range::PageRange;

/// Where a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which part.
    pub part: usize,
    /// The part's page.
    pub page: usize,
    /// How many pages, it included, follow one another in both.
    pub pages: usize,
}

/// One part after the other.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// How many pages there are up to the end of each part, rising.
    pub ends: &'a [usize],
}

impl Chain<'_> {
    fn start(self, part: usize) -> usize {
        part.checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |&end| end)
    }

    /// Where `page` comes from; `None` beyond the end.
    pub fn step(self, page: usize) -> Option<Step> {
        let part = self.ends.partition_point(|&end| end <= page);

        Some(Step {
            part,
            page: page.checked_sub(self.start(part))?,
            pages: self.ends.get(part)?.checked_sub(page)?,
        })
    }

    /// The pages of a part that are in `range`.
    pub fn share(self, part: usize, range: PageRange) -> Option<PageRange> {
        let start = self.start(part);
        let first = range.start().max(start);
        let end = range.end().min(*self.ends.get(part)?);

        PageRange::new(first.checked_sub(start)?, end.checked_sub(first)?)
    }
}

/// Some pages of each part in turn, then the next of each, and so on.
#[derive(Clone, Copy, Debug)]
pub struct Stripes {
    /// How many parts, at least one.
    pub parts: usize,
    /// How many pages at a time, at least one.
    pub width: usize,
}

impl Stripes {
    /// Where `page` comes from; `None` without parts.
    pub fn step(self, page: usize) -> Option<Step> {
        let stripe = page.checked_div(self.width)?;
        let within = page.checked_rem(self.width)?;
        let before = stripe.checked_div(self.parts)?.checked_mul(self.width)?;

        Some(Step {
            part: stripe.checked_rem(self.parts)?,
            page: before.checked_add(within)?,
            pages: self.width.checked_sub(within)?,
        })
    }

    /// The pages of a part that are in `range`.
    pub fn share(self, part: usize, range: PageRange) -> Option<PageRange> {
        let start = self.before(part, range.start())?;
        let end = self.before(part, range.end())?;

        PageRange::new(start, end.checked_sub(start)?)
    }

    /// How many of the first `pages` are that part's.
    fn before(self, part: usize, pages: usize) -> Option<usize> {
        let turn = self.width.checked_mul(self.parts)?;
        let whole = pages.checked_div(turn)?.checked_mul(self.width)?;
        let of_others = part.checked_mul(self.width)?;
        let rest = pages.checked_rem(turn)?.saturating_sub(of_others);

        whole.checked_add(rest.min(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a layout says of a range, page by page and part by part.
    fn agree(
        pages: usize,
        parts: usize,
        range: PageRange,
        step: impl Fn(usize) -> Option<Step>,
        share: impl Fn(usize) -> Option<PageRange>,
    ) {
        let mut of_parts = vec![vec![]; parts];
        for page in 0..pages {
            let here = step(page).unwrap();
            for following in 0..here.pages.min(pages - page) {
                let there = step(page + following).unwrap();
                assert_eq!((there.part, there.page), (here.part, here.page + following));
            }
            if page >= range.start() && page < range.end() {
                of_parts[here.part].push(here.page);
            }
        }
        for (part, pages) in of_parts.into_iter().enumerate() {
            let shared = share(part).map_or(vec![], |range| (range.start()..range.end()).collect());
            assert_eq!(shared, pages, "part {part}");
        }
    }

    proptest! {
        #[test]
        fn a_chain_has_every_page_of_every_part_once(
            parts in prop::collection::vec(1_usize..6, 1..6), start in 0_usize..30, pages in 1_usize..30
        ) {
            let ends: Vec<usize> = parts
                .iter()
                .scan(0, |end, pages| { *end += pages; Some(*end) })
                .collect();
            let (all, chain) = (ends[ends.len() - 1], Chain { ends: &ends });
            prop_assert_eq!(chain.step(all), None);
            let start = start % all;
            let range = PageRange::new(start, 1 + pages % (all - start)).unwrap();
            agree(all, parts.len(), range, |page| chain.step(page), |part| chain.share(part, range));
        }

        #[test]
        fn stripes_have_every_page_of_every_part_once(
            parts in 1_usize..5, width in 1_usize..4, turns in 1_usize..4,
            start in 0_usize..40, pages in 1_usize..40
        ) {
            let (all, stripes) = (parts * width * turns, Stripes { parts, width });
            let start = start % all;
            let range = PageRange::new(start, 1 + pages % (all - start)).unwrap();
            agree(all, parts, range, |page| stripes.step(page), |part| stripes.share(part, range));
        }
    }
}
