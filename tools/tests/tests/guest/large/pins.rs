// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pieces that somebody holds for I/O: through an entry for a whole one, too. They are held as one.

use std::io::{Seek, Write};

use iomd::{CacheMode, Errno, Purgeable};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::getpid;

use super::{NEW, OLD, PIECE, assert_faults, assert_shows, large, mapped};
use crate::support::pin::Pin;
use crate::support::uring::Ring;
use crate::support::{PAGE, assert_painted, unique, window};

#[test]
fn a_piece_is_held_as_one() {
    let (old, new) = (large(2 * PIECE + 2, OLD), large(2 * PIECE + 2, NEW));
    let map = unique(&old);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 3);
    let pin = Pin::of(region.pages(7..9));
    let last = Pin::of(region.pages(2 * PIECE..2 * PIECE + 1));
    let refused = map.redirect(&new).refuse_pinned(true).run().map_err(|error| error.errno());
    assert_eq!(refused.map(drop), Err(Errno::BUSY));
    assert_shows(region, OLD);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, PIECE as u64 + 1);
    assert_shows(region, NEW);
    drop(last);
    map.redirect(&old).run().unwrap();
    // Of the piece, so much as is asked for.
    let part = map.suspend_with().range(100 * PAGE as u64, 5 * PAGE as u64).run().unwrap();
    assert_eq!(part.pinned, 5);
    map.resume().unwrap();
    drop(pin);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 0);
}

#[test]
fn what_is_read_into_it_arrives() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    let mut file = std::fs::File::from(memfd_create("source", MemfdFlags::CLOEXEC).unwrap());
    for page in 0..3 {
        file.write_all(&[page + 1; PAGE]).unwrap();
    }
    file.rewind().unwrap();
    let mut ring = Ring::new();
    let there = region.pages(300..303);
    ring.register(there).unwrap();
    assert_eq!(ring.read_fixed(&file, there).unwrap(), 3 * PAGE as u64);
    ring.unregister();
    let window = window(&memory);
    for page in 0..3 {
        let word = u64::from_ne_bytes([page as u8 + 1; 8]);
        assert_eq!(window.load_u64((300 + page) * PAGE), word);
    }
    assert_eq!(window.load_u64(299 * PAGE), OLD + 299);
    assert_eq!(window.load_u64(303 * PAGE), OLD + 303);
}

#[test]
fn who_holds_a_piece_keeps_it() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_shows(region, OLD);
    let pin = Pin::of(region.pages(40..41));
    let errno = memory.set_purgeable(Purgeable::Empty).map_err(|error| error.errno());
    assert_eq!(errno.map(drop), Err(Errno::BUSY));
    assert_shows(region, OLD);
    region.unmap().unwrap();
    drop(map);
    let combined = memory.map().cache_mode(CacheMode::WriteCombine).create();
    assert_eq!(combined.map_err(|error| error.errno()).map(drop), Err(Errno::BUSY));
    assert_painted(&memory, OLD);
    // The memory goes, the piece with its holder.
    drop(memory);
    drop(pin);
}

#[test]
fn another_process_reads_it() {
    let map = unique(&large(PIECE, OLD));
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    let mut word = [0; 8];
    let place = libc::iovec { iov_base: word.as_mut_ptr().cast(), iov_len: 8 };
    let there = region.pages(77..78);
    let from = libc::iovec { iov_base: there.as_ptr(), iov_len: 8 };
    let pid = getpid().as_raw_nonzero().get();
    // SAFETY: it writes the eight bytes.
    let read = unsafe { libc::process_vm_readv(pid, &place, 1, &from, 1, 0) };
    assert_eq!((read, u64::from_ne_bytes(word)), (8, OLD + 77));
}
