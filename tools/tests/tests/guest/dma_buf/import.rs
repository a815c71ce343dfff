// SPDX-License-Identifier: MIT OR Apache-2.0

//! The memory of a dma-buf as a descriptor.

use std::os::fd::{AsFd, OwnedFd};

use iomd::{CacheMode, Descriptor, Errno, Inheritance, Kind, Purgeable};
use rustix::fs::{MemfdFlags, memfd_create};

use super::{EXPORTERS, NEW, OLD, PAGES, leaves_nothing, orders};
use crate::support::peers::{Exporter, Peers};
use crate::support::{
    self, Child, End, PAGE, Region, assert_painted, await_waiters, buffer, client, dma_buf,
    eventually, painted, unique, window,
};

/// All of a dma-buf.
fn imported(dma_buf: impl AsFd) -> Descriptor {
    client().import_dma_buf(dma_buf, 0, 0).expect("the dma-buf can be imported")
}

/// Makes each page of a dma-buf begin with `tag` plus its number.
fn paint(dma_buf: impl AsFd, pages: usize, tag: u64) {
    let region = dma_buf::map(dma_buf, pages);
    for page in 0..pages {
        region.write(page * PAGE, tag + page as u64);
    }
    region.unmap().unwrap();
}

#[test]
fn a_descriptor_has_the_dma_buf_s_memory() {
    for (whose, make) in EXPORTERS {
        leaves_nothing(|| {
            let dma_buf = make(PAGES);
            paint(&dma_buf, PAGES, OLD);
            let memory = imported(&dma_buf);
            let info = memory.info().unwrap();
            let expected = (Kind::DmaBuf, (PAGES * PAGE) as u64, false);
            assert_eq!((info.kind, info.length, info.read_only), expected, "{whose}");
            assert_eq!(info.resident, info.length, "{whose}");
            assert_painted(&memory, OLD);
            window(&memory).store_u64(PAGE, 7);
            let region = dma_buf::map(&dma_buf, PAGES);
            assert_eq!(region.read(PAGE), 7, "{whose}: what a map writes is there");
            region.unmap().unwrap();
        });
    }
}

#[test]
fn a_part_is_imported() {
    for (whose, make) in EXPORTERS {
        // As much as comes in pieces of several sizes.
        let pages = 300;
        let dma_buf = make(pages);
        paint(&dma_buf, pages, OLD);
        let part = client().import_dma_buf(&dma_buf, 15 * PAGE as u64, 257 * PAGE as u64).unwrap();
        assert_eq!(part.info().unwrap().length, 257 * PAGE as u64, "{whose}");
        assert_painted(&part, OLD + 15);
        let map = part.map().offset(PAGE as u64).length(PAGE as u64).create().unwrap();
        assert_eq!(map.mmap().unwrap().load_u64(0), OLD + 16, "{whose}: a part of the part");
        let odd = client().import_dma_buf(&dma_buf, 3 * PAGE as u64 - 24, 41).unwrap();
        assert_eq!(odd.info().unwrap().length, 41, "{whose}: bytes");
        let map = odd.map().offset(24).create().unwrap();
        let info = map.info().unwrap();
        assert_eq!((info.length, info.page_offset), (17, 0), "{whose}");
        assert_eq!(map.mmap().unwrap().load_u64(0), OLD + 3, "{whose}");
    }
}

#[test]
fn what_is_no_part_of_a_dma_buf_is_refused() {
    let dma_buf = dma_buf::of_heap(PAGES);
    let whole = (PAGES * PAGE) as u64;
    let import = |file: &OwnedFd, offset, length| {
        leaves_nothing_of(client().import_dma_buf(file, offset, length))
    };
    assert_eq!(import(&dma_buf, whole, 0), Errno::RANGE);
    assert_eq!(import(&dma_buf, PAGE as u64, whole), Errno::RANGE);
    assert_eq!(import(&dma_buf, PAGE as u64, u64::MAX), Errno::OVERFLOW);
    let memfd = memfd_create(c"other", MemfdFlags::CLOEXEC).unwrap();
    assert_eq!(import(&memfd, 0, 0), Errno::INVAL, "no dma-buf");
}

fn leaves_nothing_of(outcome: iomd::Result<Descriptor>) -> Errno {
    outcome.expect_err("it is refused").errno()
}

#[test]
fn memory_that_is_not_ordinary_is_refused() {
    let peers = Peers::load();
    leaves_nothing(|| {
        for exporter in [Exporter::NoVmap, Exporter::NoMmap, Exporter::IoMemory, Exporter::Uncached]
        {
            let outcome = client().import_dma_buf(peers.export(exporter), 0, 0);
            let errno = outcome.expect_err("it is refused").errno();
            assert_eq!(errno, Errno::OPNOTSUPP, "{exporter:?}");
        }
        let outcome = client().import_dma_buf(peers.export(Exporter::NoAccess), 0, 0);
        assert_eq!(outcome.unwrap_err().errno(), Errno::IO, "what the exporter says");
        assert_eq!(peers.accesses(), (0, 0));
    });
}

#[test]
fn iomd_s_own_dma_bufs_are_refused() {
    let memory = buffer(PAGES);
    let own = memory.export_dma_buf().unwrap();
    let errno = client().import_dma_buf(own, 0, 0).unwrap_err().errno();
    assert_eq!(errno, Errno::OPNOTSUPP);
}

#[test]
fn processors_access_it_as_long_as_the_descriptor_is_there() {
    let peers = Peers::load();
    let dma_buf = peers.export(Exporter::Whole);
    let memory = imported(&dma_buf);
    assert_eq!(peers.accesses(), (1, 0));
    let window = window(&memory);
    window.store_u64(0, 7);
    drop(memory);
    assert_eq!(peers.accesses(), (1, 0), "a mapping keeps it");
    drop(window);
    eventually("accesses have ended", || peers.accesses() == (1, 1));
    let region = dma_buf::map(&dma_buf, 2);
    assert_eq!(region.read(0), 7);
    region.unmap().unwrap();
}

#[test]
fn a_map_is_redirected_to_it_and_from_it() {
    for (whose, make) in EXPORTERS {
        let dma_buf = make(PAGES);
        paint(&dma_buf, PAGES, NEW);
        let (memory, other) = (imported(&dma_buf), painted(PAGES, OLD));
        let map = unique(&other);
        let mapping = map.mmap().unwrap();
        for (target, tag) in [(&memory, NEW), (&other, OLD), (&memory, NEW)] {
            assert_eq!(map.redirect(target).run().unwrap().pinned, 0, "{whose}");
            assert_eq!(mapping.load_u64(PAGE), tag + 1, "{whose}");
            mapping.store_u64(8, tag);
            assert_eq!(window(target).load_u64(8), tag, "{whose}: it is written there");
        }
    }
}

#[test]
fn accesses_to_it_wait_while_it_is_suspended() {
    let dma_buf = dma_buf::of_memfd(PAGES);
    paint(&dma_buf, PAGES, OLD);
    let memory = imported(&dma_buf);
    let map = memory.map().inheritance(Inheritance::Share).create().unwrap();
    let region = Region::from(map.mmap().unwrap());
    assert_eq!(region.read(0), OLD);
    memory.suspend().unwrap();
    let child = Child::fork(|channel| channel.say(region.read(0)));
    await_waiters(&map, 1);
    assert!(child.is_silent());
    memory.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    assert_eq!(child.end(), End::Exited(0));
}

#[test]
fn it_is_copied_and_copied_to() {
    for (_, make) in EXPORTERS {
        let dma_buf = make(PAGES);
        paint(&dma_buf, PAGES, OLD);
        let (memory, other) = (imported(&dma_buf), buffer(PAGES));
        let map = unique(&memory);
        let mapping = map.mmap().unwrap();
        mapping.store_u64(0, OLD);
        let copied = memory.copy_to(&other).resume_on_target(true).run().unwrap();
        assert_eq!((copied.maps, copied.pinned), (1, 0));
        assert_painted(&other, OLD);
        mapping.store_u64(0, NEW);
        assert_painted(&memory, OLD);
        support::paint(&other, NEW);
        other.copy_to(&memory).run().unwrap();
        assert_painted(&memory, NEW);
    }
}

#[test]
fn the_last_use_keeps_it_whichever_that_is() {
    for (_, make) in EXPORTERS {
        for order in orders(3) {
            leaves_nothing(|| {
                let dma_buf = make(PAGES);
                paint(&dma_buf, PAGES, OLD);
                let memory = imported(&dma_buf);
                let map = memory.map().keep(true).create().unwrap();
                let mapping = map.mmap().unwrap();
                let mut files: [Option<OwnedFd>; 3] =
                    [Some(dma_buf), Some(memory.into()), Some(map.into())];
                for file in order {
                    files[file] = None;
                    assert_eq!(mapping.load_u64(PAGE), OLD + 1);
                }
            });
        }
    }
}

#[test]
fn what_only_iomd_s_memory_can_is_refused() {
    let memory = imported(dma_buf::of_heap(PAGES));
    let errno = memory.set_purgeable(Purgeable::Volatile).unwrap_err().errno();
    assert_eq!(errno, Errno::OPNOTSUPP);
    let uncached = memory.map().cache_mode(CacheMode::Inhibit).create();
    assert_eq!(uncached.unwrap_err().errno(), Errno::OPNOTSUPP);
}
