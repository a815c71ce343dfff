// SPDX-License-Identifier: GPL-2.0

//! Which pages of an object: a bit for each, in words that somebody else owns.

use super::range::PageRange;

const BITS: usize = u64::BITS as usize;

/// How many words pages take.
pub fn words(pages: usize) -> usize {
    pages.div_ceil(BITS)
}

/// Whether a page is in the set. Pages beyond the words are not.
pub fn contains(set: &[u64], page: usize) -> bool {
    set.get(page / BITS)
        .is_some_and(|word| word & (1 << (page % BITS)) != 0)
}

/// Whether one of these pages is in the set.
pub fn overlaps(set: &[u64], range: PageRange) -> bool {
    (range.start()..=range.last()).any(|page| contains(set, page))
}

/// Puts pages in; says how many were not there.
pub fn insert(set: &mut [u64], range: PageRange) -> usize {
    each_word(set, range, |word, mask| {
        let new = mask & !*word;
        *word |= mask;
        new
    })
}

/// Takes pages out; says how many were there.
pub fn remove(set: &mut [u64], range: PageRange) -> usize {
    each_word(set, range, |word, mask| {
        let old = mask & *word;
        *word &= !mask;
        old
    })
}

/// Calls `work` with each word that the range touches and the range's bits in it, and counts the
/// bits of what it returns.
fn each_word(
    set: &mut [u64],
    range: PageRange,
    mut work: impl FnMut(&mut u64, u64) -> u64,
) -> usize {
    let (first, last) = (range.start() / BITS, range.last() / BITS);
    let words = set.iter_mut().enumerate().skip(first);
    let mut count = 0;

    for (index, word) in words.take(last - first + 1) {
        let mut mask = u64::MAX;
        if index == first {
            mask &= u64::MAX << (range.start() % BITS);
        }
        if index == last {
            mask &= u64::MAX >> (BITS - 1 - range.last() % BITS);
        }
        count += work(word, mask).count_ones() as usize;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::range::PAGE_SIZE;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const PAGES: usize = 300;

    fn range(start: usize, pages: usize) -> PageRange {
        let object = PageRange::object(PAGES as u64 * PAGE_SIZE).unwrap();
        object.slice(start, pages.min(PAGES - start)).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            steps in prop::collection::vec((any::<bool>(), 0..PAGES, 1..PAGES), 0..40)
        ) {
            let mut set = vec![0; words(PAGES)];
            let mut model = BTreeSet::new();
            for (add, start, pages) in steps {
                let range = range(start, pages);
                let before = model.len();
                if add {
                    model.extend(range.start()..=range.last());
                    prop_assert_eq!(insert(&mut set, range), model.len() - before);
                } else {
                    model.retain(|page| !(range.start()..=range.last()).contains(page));
                    prop_assert_eq!(remove(&mut set, range), before - model.len());
                }
                prop_assert_eq!(
                    overlaps(&set, range),
                    model.range(range.start()..=range.last()).next().is_some()
                );
                for page in 0..PAGES + 70 {
                    prop_assert_eq!(contains(&set, page), model.contains(&page));
                }
            }
        }
    }
}
