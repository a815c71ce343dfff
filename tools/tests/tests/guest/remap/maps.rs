// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps of iomd: the new mapping is one more of the same map.

use iomd::{Errno, Inheritance, Protection};
use rustix::mm::MprotectFlags;
use rustix::process::Signal;

use super::{Own, RW, TAG, assert_painted, assert_shared, place, unmap};
use crate::support::{
    Child, End, PAGE, Region, await_waiters, dma_buf, painted, unique, unique_shared,
};

#[test]
fn it_is_the_same_memory() {
    let own = Own::new();
    let map = unique(&painted(4, TAG));
    let region = Region::from(map.mmap().unwrap());
    let remapped = own.remap(region).run().unwrap();
    assert_eq!((remapped.cur, remapped.max), (RW, RW));
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);
    assert_shared(region, alias);
    // It does not need the other.
    region.unmap().unwrap();
    alias.write(0, 5);
    assert_eq!(alias.read(0), 5);
    unmap([alias]);
}

#[test]
fn some_of_its_pages() {
    let own = Own::new();
    let map = unique(&painted(6, TAG));
    let region = Region::from(map.mmap().unwrap());
    let alias = own.alias(region.pages(2..5));
    assert_painted(alias, TAG + 2);
    // Of those, some once more.
    let second = own.alias(alias.pages(1..3));
    assert_painted(second, TAG + 3);
    assert_shared(second, region.pages(3..5));
    unmap([region, alias, second]);
}

#[test]
fn it_follows_every_redirect() {
    let own = Own::new();
    let (old, new) = (painted(2, TAG), painted(2, 2 * TAG));
    let map = unique(&old);
    let region = Region::from(map.mmap().unwrap());
    let alias = own.alias(region);
    assert_painted(alias, TAG);
    map.redirect(&new).run().unwrap();
    assert_painted(alias, 2 * TAG);
    region.unmap().unwrap();
    map.redirect(&old).run().unwrap();
    assert_painted(alias, TAG);
    unmap([alias]);
}

#[test]
fn it_is_suspended_with_it() {
    let own = Own::new();
    let map = unique_shared(&painted(1, TAG));
    let region = Region::from(map.mmap().unwrap());
    let alias = own.alias(region);
    map.suspend().unwrap();
    let child = Child::fork(|parent| parent.say(alias.read(0)));
    await_waiters(&map, 1);
    assert!(child.is_silent());
    map.redirect(&painted(1, 2 * TAG)).run().unwrap();
    assert_eq!(child.hear(), 2 * TAG);
    child.succeed();
    unmap([region, alias]);
}

#[test]
fn it_can_be_made_while_it_is_suspended() {
    let own = Own::new();
    let map = unique_shared(&painted(1, TAG));
    let region = Region::from(map.mmap().unwrap());
    map.suspend().unwrap();
    let alias = own.alias(region);
    let child = Child::fork(|parent| parent.say(alias.read(0)));
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(child.hear(), TAG);
    child.succeed();
    unmap([region, alias]);
}

#[test]
fn it_ends_with_it() {
    let own = Own::new();
    let map = unique_shared(&painted(1, TAG));
    let region = Region::from(map.mmap().unwrap());
    let alias = own.alias(region);
    map.unmap().unwrap();
    let child = Child::fork(|_| {
        alias.read(0);
    });
    assert_eq!(child.end(), End::Killed(Signal::BUS));
    // What has ended is not mapped again.
    assert_eq!(own.remap(region).run().unwrap_err().errno(), Errno::IO);
    unmap([region, alias]);
}

#[test]
fn read_only_stays_read_only() {
    let own = Own::new();
    let memory = painted(2, TAG);
    let map = memory.map().read_only(true).create().unwrap();
    let region = Region::from(map.mmap().unwrap());
    let remapped = own.remap(region).run().unwrap();
    assert_eq!((remapped.cur, remapped.max), (Protection::READ, Protection::READ));
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);
    assert_eq!(alias.protect(MprotectFlags::READ | MprotectFlags::WRITE), Err(Errno::ACCESS));
    let refused = own.remap(region).protections(RW, RW).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::ACCESS);
    unmap([region, alias]);
}

#[test]
fn nothing_is_inherited_if_not_asked_for() {
    let own = Own::new();
    let map = unique_shared(&painted(2, TAG));
    let region = Region::from(map.mmap().unwrap());
    let remapped = own.remap(region).inheritance(Inheritance::None).run().unwrap();
    let alias = place(remapped, region.len());
    // Also not by way of the file behind it.
    alias.pages(0..1).show_file_pages(1).unwrap();
    let child = Child::fork(|parent| {
        parent.say(region.read(0));
        alias.read(0);
    });
    assert_eq!(child.hear(), TAG);
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
    unmap([region, alias]);
}

#[test]
fn a_mapping_of_the_device() {
    let own = Own::new();
    let region = Region::from(own.client.map_fresh(2 * PAGE).unwrap());
    let alias = own.alias(region);
    assert_shared(region, alias);
    unmap([region, alias]);
}

#[test]
fn a_mapping_of_a_dma_buf_keeps_that() {
    let own = Own::new();
    let exported = unique(&painted(2, TAG)).export_dma_buf().unwrap();
    let region = dma_buf::map(&exported, 2);
    let alias = own.alias(region);
    // It was the last handle of the map, which ends with that.
    drop(exported);
    region.unmap().unwrap();
    assert_painted(alias, TAG);
    unmap([alias]);
}
