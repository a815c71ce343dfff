// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps that go from memory of one kind to memory of another.

use super::{KINDS, PAGES, bytes_of};
use crate::support::{PAGE, User, painted, unique};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

#[test]
fn from_every_kind_to_every_kind() {
    let all = KINDS.each_ref().map(|kind| (kind.painted)(NEW));
    for from in &KINDS {
        let old = (from.painted)(OLD);
        let map = unique(&old.memory);
        let (mapping, user) = (map.mmap().unwrap(), User::of(&map));
        for (to, new) in KINDS.iter().zip(&all) {
            let what = format!("{} to {}", from.name, to.name);
            for (target, tag) in [(&new.memory, NEW), (&old.memory, OLD)] {
                map.redirect(target).run().unwrap();
                for page in 0..PAGES {
                    assert_eq!(mapping.load_u64(page * PAGE), tag + page as u64, "{what}");
                }
                assert_eq!(user.read(2 * PAGE), tag + 2, "{what}");
                assert_eq!(map.info().unwrap().descriptor_id, target.id().unwrap(), "{what}");
            }
            assert_eq!(new.memory.info().unwrap().maps, 0, "{what}: it has left");
        }
    }
}

#[test]
fn to_an_offset() {
    for kind in &KINDS {
        let sample = (kind.painted)(NEW);
        let map = unique(&painted(3, OLD));
        let mapping = map.mmap().unwrap();
        map.redirect(&sample.memory).offset(bytes_of(4)).run().unwrap();
        for page in 0..3 {
            assert_eq!(mapping.load_u64(page * PAGE), NEW + 4 + page as u64, "{}", kind.name);
        }
        assert_eq!(map.info().unwrap().offset, bytes_of(4), "{}", kind.name);
    }
}

#[test]
fn as_one_of_a_batch() {
    for kind in &KINDS {
        let (sample, other) = ((kind.painted)(NEW), painted(PAGES, OLD));
        let maps = [unique(&sample.memory), unique(&other)];
        let mappings = maps.each_ref().map(|map| map.mmap().unwrap());
        let client = crate::support::client();
        let batch = client.batch().redirect(&maps[0], &other);
        batch.redirect(&maps[1], &sample.memory).run().unwrap();
        for (mapping, tag) in mappings.iter().zip([OLD, NEW]) {
            assert_eq!(mapping.load_u64(5 * PAGE), tag + 5, "{}", kind.name);
        }
    }
}
