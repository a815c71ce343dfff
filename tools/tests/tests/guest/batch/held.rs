// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that somebody holds for I/O.

use iomd::Errno;
use iomd_sys as sys;

use super::{Maps, NEW, OLD, argument, refused};
use crate::support::pin::Pin;
use crate::support::{client, eventually, painted, unique_shared};

#[test]
fn pages_held_are_told_of_or_refused() {
    const COUNT: usize = 3;
    let client = client();
    for position in 0..COUNT {
        let maps = Maps::<COUNT>::new();
        let users = maps.users();
        let pin = Pin::of(maps.maps[position].mmap().unwrap().into());
        let before = maps.info();
        let entries = maps.entries();
        let flags = sys::IOMD_REDIRECT_REFUSE_PINNED;
        let argument = sys::iomd_redirect_batch { flags, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::BUSY, "map {position}");
        for ((number, before), after) in (0..).zip(before).zip(maps.info()) {
            assert!(!after.suspended);
            assert_eq!(after.generation, before.generation, "map {number}");
            assert_eq!(after.descriptor_id, before.descriptor_id, "map {number}");
            assert_eq!(users[number as usize].read(0), OLD + number);
        }
        for new in &maps.new {
            assert_eq!(new.info().unwrap().maps, 0);
        }

        assert_eq!(maps.batch(&client).run().unwrap().pinned, 1);
        maps.assert_show(NEW);
        drop(pin);
        let back = maps
            .maps
            .iter()
            .zip(&maps.old)
            .fold(client.batch(), |batch, (map, old)| batch.redirect(map, old));
        let back = back.refuse_pinned(true);
        eventually("the pages are held no more", || back.clone().run().is_ok());
        maps.assert_show(OLD);
    }
}

#[test]
fn pages_held_are_counted_over_all_maps() {
    let client = client();
    let old = [painted(3, OLD), painted(4, OLD)];
    let new = [painted(3, NEW), painted(4, NEW)];
    let maps = old.each_ref().map(unique_shared);
    let _pins = maps.each_ref().map(|map| Pin::of(map.mmap().unwrap().into()));
    let batch = client.batch().redirect(&maps[0], &new[0]).redirect(&maps[1], &new[1]);
    assert_eq!(batch.clone().refuse_pinned(true).run().unwrap_err().errno(), Errno::BUSY);
    assert_eq!(batch.run().unwrap().pinned, 7);
}
