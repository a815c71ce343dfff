// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is broken.

use std::fs::File;
use std::os::unix::fs::FileExt;

use iomd::Errno;
use rustix::mm::Advice;

use crate::support::{PAGE, Region, assert_painted, painted, proc, unique, window};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Whether the kernel holds a page frame for broken.
fn is_poisoned(frame: u64) -> bool {
    // linux/kernel-page-flags.h
    const HWPOISON: u32 = 19;
    let flags = File::open("/proc/kpageflags").expect("root may");
    let mut entry = [0; 8];
    flags.read_exact_at(&mut entry, frame * 8).expect("there is such a page");
    u64::from_ne_bytes(entry) & (1 << HWPOISON) != 0
}

#[test]
fn a_page_stays_until_its_memory_goes_and_is_never_used_again() {
    let memory = painted(4, OLD);
    let map = unique(&memory);
    let region = Region::from(map.mmap().unwrap());
    (0..4).for_each(|page| assert_eq!(region.read(page * PAGE), OLD + page as u64));
    let broken = region.pages(1..2);
    let frame = *proc::frames(broken).first().expect("the page is there");
    // The kernel does not know whose it is, and so takes it from nobody.
    assert_eq!(broken.advise(Advice::LinuxHwPoison), Err(Errno::BUSY));
    assert!(is_poisoned(frame));
    assert_painted(&memory, OLD);
    // What iomd has against it is to go on with other memory.
    let new = painted(4, NEW);
    map.redirect(&new).run().unwrap();
    assert_eq!(region.read(PAGE), NEW + 1);
    region.unmap().unwrap();
    drop((map, memory, new));
    assert!(is_poisoned(frame));
    // What the rest of it is used for, it is not among.
    let others = window(&painted(64, NEW));
    assert!(!proc::frames(Region::from(others)).contains(&frame));
}
