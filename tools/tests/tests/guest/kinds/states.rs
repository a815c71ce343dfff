// SPDX-License-Identifier: MIT OR Apache-2.0

//! Cache modes, seals and the taking away of memory, by way of what is made of it.

use iomd::{Access, CacheMode, Descriptor, Errno, Map, Purgeable};
use rustix::process::Signal;

use super::bytes_of;
use crate::support::pin::Pin;
use crate::support::{End, PAGE, Region, User, buffer, client, painted, unique};

const TAG: u64 = 0x0100;

fn with_mode(memory: &Descriptor, mode: CacheMode) -> Result<Map, Errno> {
    memory.map().cache_mode(mode).create().map_err(|error| error.errno())
}

#[test]
fn a_cache_mode_is_that_of_every_buffer_below() {
    let parts = [painted(2, TAG), painted(2, TAG + 2)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let map = with_mode(&multi, CacheMode::WriteCombine).unwrap();
    let mapping = map.mmap().unwrap();
    for page in 0..4 {
        assert_eq!(mapping.load_u64(page * PAGE), TAG + page as u64);
        mapping.store_u64(page * PAGE, page as u64);
    }
    for part in &parts {
        assert_eq!(with_mode(part, CacheMode::Copyback).unwrap_err(), Errno::BUSY);
        with_mode(part, CacheMode::WriteCombine).unwrap();
    }
    drop((mapping, map));
    for part in &parts {
        with_mode(part, CacheMode::Copyback).unwrap();
    }

    // One of them cannot: then none is changed.
    let other = unique(&parts[1]);
    assert_eq!(with_mode(&multi, CacheMode::Inhibit).unwrap_err(), Errno::BUSY);
    with_mode(&parts[0], CacheMode::Copyback).unwrap();
    drop(other);
    let guard = client().guard(bytes_of(1)).unwrap();
    let guarded = client().multi(&[&parts[0], &guard]).unwrap();
    assert_eq!(with_mode(&guarded, CacheMode::Inhibit).unwrap_err(), Errno::OPNOTSUPP);
    with_mode(&parts[0], CacheMode::Copyback).unwrap();
}

#[test]
fn memory_that_is_taken_away_is_gone_from_all_maps() {
    let parts = [painted(2, TAG), painted(2, TAG + 2)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let user = User::of(&unique_kept(&multi));
    assert_eq!((user.read(0), user.read(2 * PAGE)), (TAG, TAG + 2));
    parts[1].set_purgeable(Purgeable::Empty).unwrap();
    assert_eq!(multi.info().unwrap().purgeable, Purgeable::Empty);
    assert_eq!(user.read(PAGE), TAG + 1);
    let refused = multi.copy_to(&buffer(4)).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::NODATA);
    user.begin_read(2 * PAGE);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

fn unique_kept(memory: &Descriptor) -> Map {
    memory.map().unique(true).keep(true).create().unwrap()
}

#[test]
fn a_sub_takes_its_parent_s_memory_away() {
    let memory = painted(4, TAG);
    let sub = memory.sub(bytes_of(1), bytes_of(1), Access::ReadWrite).unwrap();
    assert_eq!(sub.set_purgeable(Purgeable::Volatile).unwrap(), Purgeable::NonVolatile);
    for memory in [&memory, &sub] {
        assert_eq!(memory.info().unwrap().purgeable, Purgeable::Volatile);
    }
    sub.set_purgeable(Purgeable::Empty).unwrap();
    assert_eq!(memory.info().unwrap().resident, 0);
    assert_eq!(memory.set_purgeable(Purgeable::NonVolatile).unwrap(), Purgeable::Empty);
    let reader = memory.read_only().unwrap().sub(0, 0, Access::ReadOnly).unwrap();
    let refused = reader.set_purgeable(Purgeable::Empty).unwrap_err();
    assert_eq!(refused.errno(), Errno::ACCESS);
    assert_eq!(memory.info().unwrap().resident, bytes_of(4));
}

#[test]
fn held_pages_are_found_at_every_level() {
    let parts = [painted(2, TAG), painted(2, TAG + 2)];
    let striped = client().interleaved(&parts.each_ref(), bytes_of(1)).unwrap();
    let sub = striped.sub(bytes_of(1), bytes_of(2), Access::ReadWrite).unwrap();
    let map = unique(&sub);
    let region = Region::from(map.mmap().unwrap());
    let pin = Pin::of(region);
    let target = buffer(4);
    for (memory, pinned) in [(&sub, 2), (&striped, 2), (&parts[0], 1), (&parts[1], 1)] {
        assert_eq!(memory.copy_to(&target).run().unwrap().pinned, pinned);
        let refused = memory.copy_to(&target).refuse_pinned(true).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::BUSY);
    }
    assert_eq!(parts[0].set_purgeable(Purgeable::Empty).unwrap_err().errno(), Errno::BUSY);
    let refused = map.redirect(&target).refuse_pinned(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::BUSY);
    assert_eq!(map.redirect(&target).run().unwrap().pinned, 2);
    drop(pin);
}

#[test]
fn several_parts_are_not_taken_as_one() {
    let parts = [painted(1, TAG), painted(1, TAG)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let refused = multi.set_purgeable(Purgeable::Volatile).unwrap_err();
    assert_eq!(refused.errno(), Errno::OPNOTSUPP);
    assert_eq!(
        client().guard(1).unwrap().set_purgeable(Purgeable::Empty).unwrap_err().errno(),
        Errno::OPNOTSUPP
    );
    assert_eq!(multi.info().unwrap().purgeable, Purgeable::NonVolatile);
}

#[test]
fn a_seal_holds_at_every_level() {
    let parts = [painted(2, TAG), painted(2, TAG + 2)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let map = unique(&multi);
    parts[1].set_purgeable(Purgeable::Volatile).unwrap();
    assert_eq!(map.seal().unwrap_err().errno(), Errno::BUSY);
    assert!(!map.info().unwrap().sealed);
    parts[1].set_purgeable(Purgeable::NonVolatile).unwrap();
    map.seal().unwrap();
    for part in &parts {
        for state in [Purgeable::Volatile, Purgeable::Empty] {
            assert_eq!(part.set_purgeable(state).unwrap_err().errno(), Errno::PERM);
        }
        assert_eq!(part.copy_to(&buffer(2)).run().unwrap_err().errno(), Errno::PERM);
    }
    assert_eq!(User::of(&map).read(3 * PAGE), TAG + 3);
}
