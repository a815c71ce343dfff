// SPDX-License-Identifier: MIT OR Apache-2.0

//! dma-bufs: those of others as memory, and maps as dma-bufs.

mod devices;
mod export;
mod import;
mod races;
mod rights;

use std::os::fd::OwnedFd;

use crate::support::{dma_buf, eventually, objects};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
const PAGES: usize = 4;

/// Makes a dma-buf of so many pages.
type Exporter = fn(usize) -> OwnedFd;

/// The kernel's exporters.
const EXPORTERS: [(&str, Exporter); 2] =
    [("a memfd's", dma_buf::of_memfd), ("the heap's", dma_buf::of_heap)];

/// Asserts that no more objects and dma-bufs are left after something than there were before.
#[track_caller]
fn leaves_nothing(work: impl FnOnce()) {
    let before = (objects(), dma_buf::count());
    work();
    eventually("all is gone", || (objects(), dma_buf::count()) == before);
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    match count {
        0 => vec![vec![]],
        _ => orders(count - 1)
            .into_iter()
            .flat_map(|order| {
                (0..count).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, count - 1);
                    order
                })
            })
            .collect(),
    }
}
