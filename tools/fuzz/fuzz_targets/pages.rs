// SPDX-License-Identifier: GPL-2.0

//! Sets of pages, and how often pages are wired, beside arrays that simply count.

#![no_main]

use std::convert::Infallible;

use iomd_pure::page_set;
use iomd_pure::range::PageRange;
use iomd_pure::wires::{self, Run};
use libfuzzer_sys::fuzz_target;

const PAGES: usize = 100;

fuzz_target!(|input: Vec<(bool, u8, u8)>| {
    let mut set = vec![0; page_set::words(PAGES)];
    let mut is_in_set = [false; PAGES];
    let mut runs: Vec<Run> = Vec::new();
    let mut counts = [0u32; PAGES];
    for (more, start, pages) in input {
        let (start, pages) = (usize::from(start), usize::from(pages));
        let Some(range) = PageRange::new(start, pages).filter(|range| range.end() <= PAGES) else {
            continue;
        };
        let all = range.start()..range.end();
        let changed = is_in_set[all.clone()].iter().filter(|&&is_in| is_in != more).count();
        let told = if more {
            page_set::insert(&mut set, range)
        } else {
            page_set::remove(&mut set, range)
        };
        assert_eq!(told, changed);
        is_in_set[all.clone()].fill(more);
        assert_eq!(page_set::overlaps(&set, range), more);

        let mut new = Vec::new();
        let emit = |run| {
            new.push(run);
            Ok::<_, Infallible>(())
        };
        let done =
            if more { wires::wire(&runs, range, emit) } else { wires::unwire(&runs, range, emit) };
        let may = more || counts[all.clone()].iter().all(|&count| count > 0);
        assert_eq!(done.is_ok(), may);
        if may {
            runs = new;
            for count in &mut counts[all] {
                *count = if more { *count + 1 } else { *count - 1 };
            }
        }
    }
    assert_eq!(wires::pages(&runs), counts.iter().filter(|&&count| count > 0).count());
    for page in 0..PAGES {
        assert_eq!(page_set::contains(&set, page), is_in_set[page]);
        let run = runs.iter().find(|run| (run.start..run.end).contains(&page));
        assert_eq!(run.map_or(0, |run| run.count), counts[page]);
    }
});
