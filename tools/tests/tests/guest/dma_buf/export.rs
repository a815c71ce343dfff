// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map as a dma-buf, for programs.

use std::os::fd::OwnedFd;

use iomd::Errno;
use rustix::fs::fstat;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::Signal;

use super::{NEW, OLD, PAGES, leaves_nothing, orders};
use crate::support::dma_buf::{SYNC_END, SYNC_READ, SYNC_WRITE};
use crate::support::{
    Child, End, PAGE, Region, await_waiters, dma_buf, painted, unique, unique_shared, window,
};

#[test]
fn a_dma_buf_shows_what_the_map_shows() {
    leaves_nothing(|| {
        let memory = painted(PAGES, OLD);
        let part = memory.map().unique(true).offset(PAGE as u64).create().unwrap();
        let exported = part.export_dma_buf().unwrap();
        assert_eq!(fstat(&exported).unwrap().st_size as usize, (PAGES - 1) * PAGE);
        let region = dma_buf::map(&exported, PAGES - 1);
        assert_eq!(region.read(PAGE), OLD + 2);
        dma_buf::sync(&exported, SYNC_READ | SYNC_WRITE).unwrap();
        region.write(0, 7);
        dma_buf::sync(&exported, SYNC_READ | SYNC_WRITE | SYNC_END).unwrap();
        assert_eq!(window(&memory).load_u64(PAGE), 7);
        region.unmap().unwrap();
    });
}

#[test]
fn it_goes_where_the_map_goes() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let exported = map.export_dma_buf().unwrap();
    let region = dma_buf::map(&exported, PAGES);
    assert_eq!(region.read(PAGE), OLD + 1);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 0);
    assert_eq!(region.read(PAGE), NEW + 1);
    region.write(PAGE, 7);
    assert_eq!(window(&new).load_u64(PAGE), 7);
    assert_eq!(window(&old).load_u64(PAGE), OLD + 1);
    region.unmap().unwrap();
}

#[test]
fn accesses_through_it_wait_as_those_of_the_map() {
    let map = unique_shared(&painted(PAGES, OLD));
    let exported = map.export_dma_buf().unwrap();
    let region = dma_buf::map(&exported, PAGES);
    assert_eq!(region.read(0), OLD);
    map.suspend().unwrap();
    let child = Child::fork(|channel| channel.say(region.read(0)));
    await_waiters(&map, 1);
    assert!(child.is_silent());
    map.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    assert_eq!(child.end(), End::Exited(0));
    region.unmap().unwrap();
}

#[test]
fn a_descriptor_s_dma_buf_goes_on_on_the_target_of_a_copy() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let exported = old.export_dma_buf().unwrap();
    let region = dma_buf::map(&exported, PAGES);
    assert_eq!(region.read(0), OLD);
    assert_eq!(old.copy_to(&new).resume_on_target(true).run().unwrap().maps, 1);
    region.write(0, 7);
    assert_eq!(window(&new).load_u64(0), 7);
    assert_eq!(window(&old).load_u64(0), OLD);
    region.unmap().unwrap();
}

#[test]
fn a_child_inherits_a_descriptor_s_dma_buf() {
    let exported = painted(PAGES, OLD).export_dma_buf().unwrap();
    let region = dma_buf::map(&exported, PAGES);
    let child = Child::fork(|channel| channel.say(region.read(PAGE)));
    assert_eq!(child.hear(), OLD + 1);
    assert_eq!(child.end(), End::Exited(0));
    region.unmap().unwrap();
}

#[test]
fn the_last_use_keeps_the_map_whichever_that_is() {
    for order in orders(3) {
        leaves_nothing(|| {
            let memory = painted(PAGES, OLD);
            let map = unique(&memory);
            let exported = map.export_dma_buf().unwrap();
            let region = dma_buf::map(&exported, PAGES);
            let mut files: [Option<OwnedFd>; 3] =
                [Some(exported), Some(memory.into()), Some(map.into())];
            for file in order {
                files[file] = None;
                assert_eq!(region.read(PAGE), OLD + 1);
            }
            region.unmap().unwrap();
        });
    }
    leaves_nothing(|| {
        let map = unique(&painted(PAGES, OLD));
        drop(map.export_dma_buf().unwrap());
        let mapping = map.mmap().unwrap();
        assert_eq!(mapping.load_u64(0), OLD, "the map is there without its dma-buf");
    });
}

#[test]
fn it_ends_with_the_map() {
    leaves_nothing(|| {
        let map = unique_shared(&painted(PAGES, OLD));
        let exported = map.export_dma_buf().unwrap();
        let region = dma_buf::map(&exported, PAGES);
        assert_eq!(region.read(0), OLD);
        map.unmap().unwrap();
        let child = Child::fork(|channel| channel.say(region.read(0)));
        assert_eq!(child.end(), End::Killed(Signal::BUS));
        let rights = ProtFlags::READ;
        let again = Region::map(&exported, 0, PAGE, rights, MapFlags::SHARED);
        assert_eq!(again.unwrap_err(), Errno::NODEV);
        assert_eq!(map.export_dma_buf().unwrap_err().errno(), Errno::NODEV);
        region.unmap().unwrap();
    });
}

#[test]
fn what_a_mapping_of_a_map_may_not_be_it_may_not_be_either() {
    let exported = painted(PAGES, OLD).export_dma_buf().unwrap();
    let map = |length, rights, flags| Region::map(&exported, 0, length, rights, flags).unwrap_err();
    let (read, all) = (ProtFlags::READ, PAGES * PAGE);
    assert_eq!(map(all, read, MapFlags::PRIVATE), Errno::INVAL);
    assert_eq!(map(all, read | ProtFlags::EXEC, MapFlags::SHARED), Errno::PERM);
    assert_eq!(map(all + PAGE, read, MapFlags::SHARED), Errno::INVAL);
}

#[test]
fn each_dma_buf_of_a_map_follows_it() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let exported = [map.export_dma_buf().unwrap(), map.export_dma_buf().unwrap()];
    let regions = exported.each_ref().map(|exported| dma_buf::map(exported, PAGES));
    map.redirect(&new).run().unwrap();
    for region in regions {
        assert_eq!(region.read(0), NEW);
        region.unmap().unwrap();
    }
}
