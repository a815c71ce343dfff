// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where one entry shows a piece, which takes one page fault, and where each page has one of its own.

use iomd::{CacheMode, MmapOptions};
use rustix::mm::Advice;
use rustix::process::Signal;

use super::{NEW, OLD, PIECE, assert_faults, assert_shows, large, mapped};
use crate::support::{Child, End, PAGE, Region, assert_painted, client, painted, unique, window};

/// Page faults of a piece with an entry for each page, one after the other: the first brings its page
/// alone, the next one the rest of 16, and that after it all of the page table.
const BY_PAGE: u64 = 3;

/// Where in a piece that can be there an address is, in pages.
fn place(region: Region) -> usize {
    region.address() / PAGE % PIECE
}

#[test]
fn a_piece_takes_one_fault() {
    let memory = large(2 * PIECE + 3, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_eq!(place(region), 0);
    assert_faults(&map, region, OLD, 2 + 1);
    assert_faults(&map, region, OLD, 0);
    // What is written through it is in the memory.
    for page in 0..2 * PIECE + 3 {
        region.write(page * PAGE, NEW + page as u64);
    }
    assert_painted(&memory, NEW);
    assert_faults(&map, region, NEW, 0);
    region.unmap().unwrap();
}

#[test]
fn a_map_of_a_part_is_where_its_pieces_can_be() {
    let memory = large(2 * PIECE, OLD);
    let part = memory.map().offset(5 * PAGE as u64).create().unwrap();
    let region = mapped(&part);
    assert_eq!(place(region), 5);
    // The rest of the first piece comes by pages: 5, those to 16, to 32, and the others.
    assert_faults(&part, region, OLD + 5, BY_PAGE + 1 + 1);
    let rest = MmapOptions { offset: (PIECE - 5 - 2) as u64 * PAGE as u64, ..Default::default() };
    let rest = Region::from(part.mmap_with(rest).unwrap());
    assert_eq!(place(rest), PIECE - 2);
    assert_faults(&part, rest, OLD + PIECE as u64 - 2, 2 + 1);
}

#[test]
fn elsewhere_each_page_has_an_entry() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let free = Region::reserve(3 * PIECE);
    free.unmap().unwrap();
    let address = (free.address() / PAGE).next_multiple_of(PIECE) * PAGE + 16 * PAGE;
    let there = MmapOptions { address: Some(address), ..Default::default() };
    let region = Region::from(map.mmap_with(there).unwrap());
    assert_faults(&map, region.pages(0..PIECE - 16), OLD, BY_PAGE);
    // The same memory where a piece can be.
    assert_faults(&map, mapped(&map), OLD, 1);
}

#[test]
fn other_memory_has_pages() {
    let map = unique(&painted(PIECE, OLD));
    let region = mapped(&map);
    assert_eq!(place(region), 0, "pieces may come by a redirect");
    assert_faults(&map, region, OLD, BY_PAGE);
}

#[test]
fn into_a_task_as_well() {
    let memory = large(2 * PIECE, OLD);
    let map = memory.map().offset(9 * PAGE as u64).create().unwrap();
    let task = client().own_task().unwrap();
    let address = map.map_into(&task).run().unwrap() as usize;
    assert_eq!(address / PAGE % PIECE, 9);
    let region = Region::at(address, (2 * PIECE - 9) * PAGE);
    region.advise(Advice::LinuxPopulateWrite).unwrap();
    assert_faults(&map, region, OLD + 9, 0);
}

#[test]
fn a_redirect_leads_from_and_to_pieces() {
    let (old, new) = (large(PIECE, OLD), large(PIECE, NEW));
    let (plain, plain_tag) = (painted(PIECE, 5 * OLD), 5 * OLD);
    let map = unique(&old);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    map.redirect(&new).run().unwrap();
    assert_faults(&map, region, NEW, 1);
    map.redirect(&plain).run().unwrap();
    assert_faults(&map, region, plain_tag, BY_PAGE);
    // The page table stays; memory is the same whatever shows it.
    map.redirect(&old).run().unwrap();
    assert_shows(region, OLD);
    region.write(7 * PAGE, 1);
    assert_eq!(window(&old).load_u64(7 * PAGE), 1);
    assert_painted(&new, NEW);
}

#[test]
fn an_offset_that_is_no_piece_s_is_shown_by_pages() {
    let memory = large(2 * PIECE, NEW);
    let map = unique(&large(PIECE, OLD));
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    map.redirect(&memory).offset(3 * PAGE as u64).run().unwrap();
    assert_faults(&map, region, NEW + 3, BY_PAGE);
}

#[test]
fn who_wants_no_huge_pages_gets_none() {
    let map = unique(&large(2 * PIECE, OLD));
    let region = mapped(&map);
    region.pages(0..PIECE).advise(Advice::LinuxNoHugepage).unwrap();
    assert_faults(&map, region, OLD, BY_PAGE + 1);
    let child = Child::fork(|_| {
        // SAFETY: it changes where memory comes from only.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) }, 0);
        let region = mapped(&map);
        assert_faults(&map, region.pages(0..PIECE), OLD, BY_PAGE);
    });
    child.succeed();
}

#[test]
fn read_only_stays_so() {
    let memory = large(PIECE, OLD);
    let map = memory.map().read_only(true).create().unwrap();
    assert_faults(&map, mapped(&map), OLD, 1);
    let child = Child::fork(|_| {
        let region = mapped(&map);
        region.read(0);
        region.write(0, 1);
    });
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
    assert_painted(&memory, OLD);
}

#[test]
fn of_another_cache_mode_each_page_has_an_entry() {
    // Through an entry for a piece pages can be held, which could then get a mapping of another mode.
    let memory = large(PIECE, OLD);
    let map = memory.map().unique(true).cache_mode(CacheMode::WriteCombine).create().unwrap();
    let region = mapped(&map);
    assert_faults(&map, region, OLD, BY_PAGE);
    region.write(0, OLD);
    region.unmap().unwrap();
    drop(map);
    let map = unique(&memory);
    assert_faults(&map, mapped(&map), OLD, 1);
}
