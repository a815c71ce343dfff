// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that somebody holds for I/O outlive a redirect. They are counted and told; and what is not
//! told is not so.

use std::io::{Seek, Write};

use iomd::{Errno, Mapping};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pipe::{IoSliceRaw, SpliceFlags, pipe, vmsplice};
use rustix::process::Signal;

use crate::support::pin::Pin;
use crate::support::uring::Ring;
use crate::support::{
    Child, End, PAGE, Region, assert_painted, painted, run_on, scaled, soon, unique, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

#[test]
fn every_page_held_is_counted_once() {
    let (old, new) = (painted(8, OLD), painted(8, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    let region = Region::from(&memory);
    let pins = [Pin::of(region.pages(1..3)), Pin::of(region.pages(2..6))];
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 5);
    assert_eq!(map.redirect(&old).run().unwrap().pinned, 0, "these pages nobody holds");
    let [first, second] = pins;
    drop(second);
    assert_eq!(map.suspend().unwrap().pinned, 2);
    drop(first);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 0);
}

#[test]
fn only_the_pages_of_the_map_are_counted() {
    let (old, new) = (painted(8, OLD), painted(8, NEW));
    let part = old.map().unique(true).offset(2 * PAGE as u64).length(4 * PAGE as u64);
    let map = part.create().unwrap();
    let whole = unique(&old);
    let memory = whole.mmap().unwrap();
    // Held through another map: the same memory.
    let _pin = Pin::of(Region::from(&memory).pages(0..3));
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 1);
}

#[test]
fn pages_in_a_pipe_are_counted() {
    // They are held without what the kernel calls a pin.
    let (old, new) = (painted(4, OLD), painted(4, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    let (reader, writer) = pipe().unwrap();
    // SAFETY: nobody minds that others see what is written to the memory from now on.
    let bytes = unsafe { std::slice::from_raw_parts(memory.as_ptr(), 2 * PAGE) };
    // SAFETY: as above.
    let moved =
        unsafe { vmsplice(&writer, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty()) };
    assert_eq!(moved, Ok(2 * PAGE));
    let error = map.redirect(&new).refuse_pinned(true).run().unwrap_err();
    assert_eq!(error.errno(), Errno::BUSY);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 2);
    let mut word = [0; 8];
    assert_eq!(rustix::io::read(&reader, &mut word), Ok(8));
    assert_eq!(u64::from_ne_bytes(word), OLD, "the pipe has the old memory");
}

#[test]
fn a_page_held_stays_the_old_one() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    let region = Region::from(&memory);
    let mut ring = Ring::new();
    ring.register(region).unwrap();
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 1);

    let file = memfd_create("file", MemfdFlags::CLOEXEC).unwrap();
    let mut file = std::fs::File::from(file);
    file.write_all(&7_u64.to_ne_bytes()).unwrap();
    file.rewind().unwrap();
    assert_eq!(ring.read_fixed(&file, region), Ok(8));
    assert_eq!(window(&old).load_u64(0), 7);
    assert_painted(&new, NEW);
    assert_eq!(memory.load_u64(0), NEW);
}

#[test]
fn a_page_held_outlives_everything_else() {
    let mut ring = Ring::new();
    let map = unique(&painted(1, OLD));
    let region = Region::from(map.mmap().unwrap());
    ring.register(region).unwrap();
    drop(map);
    region.unmap().unwrap();
    // Nobody else gets the page while I/O can go to it.
    let others: Vec<_> = (0..scaled(1000)).map(|_| painted(1, OLD)).collect();
    let file = memfd_create("file", MemfdFlags::CLOEXEC).unwrap();
    let mut file = std::fs::File::from(file);
    file.write_all(&[0xff; PAGE]).unwrap();
    file.rewind().unwrap();
    assert_eq!(ring.read_fixed(&file, region), Ok(PAGE as u64));
    for other in &others {
        assert_painted(other, OLD);
    }
}

#[test]
fn what_is_not_told_is_not_written() {
    // A writer that writes by system calls, which hold pages for as long as they write them.
    const PAGES: usize = 16;
    const POISON: u64 = 0xdead_dead_dead_dead;
    let memories = [painted(PAGES, OLD), painted(PAGES, OLD)];
    let windows = memories.each_ref().map(window);
    let fill = |window: &Mapping, value| {
        for page in 0..PAGES {
            window.store_u64(page * PAGE, value);
        }
    };
    let has = |window: &Mapping, value| {
        (0..PAGES).filter(|page| window.load_u64(page * PAGE) == value).count()
    };
    let map = unique(&memories[0]);
    let writer = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.say(0);
        run_on(1);
        loop {
            write_by_system_call(region);
        }
    });
    writer.hear();
    run_on(0);
    let (mut round, mut written) = (0, 0);
    // Rounds in which nothing was held prove nothing.
    let rounds = scaled(2000) as usize;
    while round < rounds || written == 0 && round < 100 * rounds {
        let (old, new) = (round % 2, (round + 1) % 2);
        fill(&windows[new], POISON);
        let pinned = map.redirect(&memories[new]).run().unwrap().pinned;
        fill(&windows[old], POISON);
        fill(&windows[new], POISON);
        soon("the writer writes all of the new memory", || has(&windows[new], POISON) == 0);
        let stale = PAGES - has(&windows[old], POISON);
        written += stale;
        round += 1;
        assert!(stale as u64 <= pinned, "round {round}: {stale} pages written, {pinned} told");
    }
    assert_ne!(written, 0, "nothing was held in any round");
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

/// Writes zeros to all of the region.
fn write_by_system_call(region: Region) {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let local = libc::iovec { iov_base: ZEROS.as_ptr().cast_mut().cast(), iov_len: region.len() };
    let remote = libc::iovec { iov_base: region.as_ptr(), iov_len: region.len() };
    assert!(region.len() <= ZEROS.len());
    // SAFETY: the kernel writes to a region, which is nobody's.
    let written = unsafe { libc::process_vm_writev(own, &local, 1, &remote, 1, 0) };
    assert_eq!(written, region.len() as isize);
}
