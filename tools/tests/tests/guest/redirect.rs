// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map shows what it was last redirected to.

use iomd::{Errno, Inheritance};

use crate::support::{PAGE, User, assert_painted, buffer, painted, unique, unique_shared, window};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

#[test]
fn a_map_shows_its_new_memory_and_keeps_its_address() {
    let (old, new) = (painted(4, OLD), painted(4, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    let address = map.info().unwrap().address;
    assert_eq!(address, Some(memory.as_ptr().addr() as u64));
    for page in 0..4 {
        assert_eq!(memory.load_u64(page * PAGE), OLD + page as u64);
    }

    let redirected = map.redirect(&new).run().unwrap();
    assert_eq!(redirected.pinned, 0);
    for page in 0..4 {
        assert_eq!(memory.load_u64(page * PAGE), NEW + page as u64);
    }
    memory.store_u64(8, 7);
    assert_eq!(window(&new).load_u64(8), 7);
    assert_eq!(window(&old).load_u64(8), 0);
    assert_painted(&old, OLD);

    let info = map.info().unwrap();
    assert_eq!(info.descriptor_id, new.id().unwrap());
    assert_eq!(info.address, address);
    assert_eq!(old.info().unwrap().maps, 0, "the windows are gone and the map has left");
    assert_eq!(new.info().unwrap().maps, 1);
}

#[test]
fn the_offset_is_where_the_map_starts_in_the_new_memory() {
    let (old, new) = (painted(2, OLD), painted(8, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    for first in [3, 6, 0] {
        map.redirect(&new).offset((first * PAGE) as u64).run().unwrap();
        assert_eq!(memory.load_u64(0), NEW + first as u64);
        assert_eq!(memory.load_u64(PAGE), NEW + first as u64 + 1);
        assert_eq!(map.info().unwrap().offset, (first * PAGE) as u64);
    }
}

#[test]
fn a_map_of_a_part_stays_as_long() {
    let (old, new) = (painted(8, OLD), painted(8, NEW));
    let builder = old.map().unique(true).offset(PAGE as u64).length(PAGE as u64 + 1);
    let map = builder.create().unwrap();
    let info = map.info().unwrap();
    assert_eq!((info.offset, info.length), (PAGE as u64, PAGE as u64 + 1));
    assert_eq!(info.mapped_size, 2 * PAGE as u64);
    let memory = map.mmap().unwrap();
    assert_eq!(memory.len(), 2 * PAGE);
    assert_eq!([memory.load_u64(0), memory.load_u64(PAGE)], [OLD + 1, OLD + 2]);

    map.redirect(&new).offset(5 * PAGE as u64).run().unwrap();
    assert_eq!([memory.load_u64(0), memory.load_u64(PAGE)], [NEW + 5, NEW + 6]);
    let info = map.info().unwrap();
    assert_eq!((info.length, info.mapped_size), (PAGE as u64 + 1, 2 * PAGE as u64));
}

#[test]
fn only_the_redirected_map_moves() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let (map, other, third) = (unique(&old), unique(&old), unique(&new));
    let memory = [&map, &other, &third].map(|map| map.mmap().unwrap());
    map.redirect(&new).run().unwrap();
    assert_eq!(memory.each_ref().map(|memory| memory.load_u64(0)), [NEW, OLD, NEW]);
}

#[test]
fn every_alias_moves_with_its_map() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique_shared(&old);
    let memory = map.mmap().unwrap();
    let again = map.mmap().unwrap();
    let inherited = User::with(|| (&memory).into());
    let other = User::of(&map);
    let values = || [memory.load_u64(0), again.load_u64(0), inherited.read(0), other.read(0)];
    assert_eq!(values(), [OLD; 4]);
    map.redirect(&new).run().unwrap();
    assert_eq!(values(), [NEW; 4]);
}

#[test]
fn a_map_can_be_redirected_within_its_own_memory() {
    let memory = painted(4, OLD);
    let builder = memory.map().unique(true).length(2 * PAGE as u64);
    let map = builder.create().unwrap();
    let mapping = map.mmap().unwrap();
    // The ranges overlap.
    map.redirect(&memory).offset(PAGE as u64).run().unwrap();
    assert_eq!([mapping.load_u64(0), mapping.load_u64(PAGE)], [OLD + 1, OLD + 2]);
    assert_eq!(memory.info().unwrap().maps, 1);
    // To where it is already.
    map.redirect(&memory).offset(PAGE as u64).run().unwrap();
    assert_eq!([mapping.load_u64(0), mapping.load_u64(PAGE)], [OLD + 1, OLD + 2]);
    assert_painted(&memory, OLD);
}

#[test]
fn untouched_pages_of_new_memory_are_zeros() {
    let old = painted(2, OLD);
    let new = crate::support::client().sparse_buffer(2 * PAGE as u64).unwrap();
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    assert_eq!(memory.load_u64(0), OLD);
    map.redirect(&new).run().unwrap();
    assert_eq!([memory.load_u64(0), memory.load_u64(PAGE)], [0, 0]);
}

#[test]
fn counters_tell_what_happened() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let fresh = map.info().unwrap();
    assert_eq!((fresh.redirects, fresh.faults, fresh.waiters, fresh.waits), (0, 0, 0, 0));
    assert!(fresh.longest_wait.is_zero());
    assert_eq!((fresh.task, fresh.address), (None, None));
    assert!(!fresh.suspended && !fresh.ended);

    let memory = map.mmap().unwrap();
    memory.load_u64(0);
    let touched = map.info().unwrap();
    assert_eq!(touched.faults, 1);
    assert_eq!(touched.task, Some(rustix::process::getpid().as_raw_nonzero().get()));
    assert_eq!(touched.generation, fresh.generation);

    map.suspend().unwrap();
    let suspended = map.info().unwrap();
    assert!(suspended.suspended);
    assert_eq!(suspended.generation, touched.generation + 1);
    assert_eq!(suspended.redirects, 0, "the backing is what it was");
    assert_eq!(suspended.descriptor_id, old.id().unwrap(), "the last backing");

    map.resume().unwrap();
    let resumed = map.info().unwrap();
    assert!(!resumed.suspended);
    assert_eq!(resumed.generation, suspended.generation + 1);
    assert_eq!(resumed.redirects, 0);

    map.redirect(&new).run().unwrap();
    memory.load_u64(0);
    let redirected = map.info().unwrap();
    assert!(redirected.generation > resumed.generation);
    assert_eq!(redirected.redirects, 1);
    assert_eq!(redirected.faults, 2);
    assert_eq!(redirected.waits, 0);
}

#[test]
fn what_has_no_effect_changes_no_counter() {
    let map = unique(&buffer(1));
    let before = map.info().unwrap();
    map.resume().unwrap();
    assert_eq!(map.info().unwrap(), before, "it was not suspended");
}

#[test]
fn options_and_inheritance_are_as_given() {
    let memory = buffer(1);
    let options = iomd::MapOptions::UNIQUE.with_cache_mode(iomd::CacheMode::Copyback);
    let builder = memory.map().options(options).inheritance(Inheritance::Share);
    let info = builder.create().unwrap().info().unwrap();
    assert_eq!(info.options, options);
    assert_eq!(info.inheritance, Inheritance::Share);
    let info = memory.map().create().unwrap().info().unwrap();
    assert_eq!(info.options, iomd::MapOptions::ANYWHERE);
    assert_eq!(info.inheritance, Inheritance::None);
}

#[test]
fn a_map_keeps_its_descriptor_and_no_other() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let client = crate::support::client();
    let (old_id, new_id) = (old.id().unwrap(), new.id().unwrap());
    let exists = |id| match client.open_object(id) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.errno(), Errno::NOENT);
            false
        }
    };
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    drop(old);
    assert!(exists(old_id), "the map keeps it");
    map.redirect(&new).run().unwrap();
    assert!(!exists(old_id), "nobody keeps it");
    drop(new);
    assert!(exists(new_id), "the map keeps it");
    assert_eq!(memory.load_u64(0), NEW);
}
