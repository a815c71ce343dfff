// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory lives as long as somebody has it, in whatever order the others go.

use iomd::{Access, Descriptor, Map, Mapping};

use super::{KINDS, Sample, bytes_of};
use crate::support::{PAGE, buffer, client, objects};

const TAG: u64 = 0x0100;

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn closes_in_every_order() {
    for kind in &KINDS {
        for order in ORDERS {
            let before = objects();
            let Sample { memory, below } = (kind.painted)(TAG);
            let map = memory.map().unique(true).keep(true).create().unwrap();
            let mapping = map.mmap().unwrap();
            assert_eq!(mapping.load_u64(0), TAG);
            let mut memory: Option<Descriptor> = Some(memory);
            let mut below: Vec<Descriptor> = below;
            let mut map: Option<Map> = Some(map);
            let mapping: Mapping = mapping;
            for which in order {
                match which {
                    0 => drop(memory.take()),
                    1 => below.clear(),
                    _ => drop(map.take()),
                }
                // What was not touched yet comes too.
                let page = which + 1;
                assert_eq!(mapping.load_u64(page * PAGE), TAG + page as u64, "{}", kind.name);
            }
            drop(mapping);
            assert_eq!(objects(), before, "{}, {order:?}", kind.name);
        }
    }
}

#[test]
fn the_parts_go_with_the_last_who_has_them() {
    let before = objects();
    let memory = buffer(4);
    let id = memory.id().unwrap();
    let chain = (0..3).fold(memory, |parent, _| parent.sub(0, 0, Access::ReadWrite).unwrap());
    let other = client().open_descriptor(id, Access::ReadWrite).unwrap();
    let multi = client().multi(&[&chain, &other]).unwrap();
    drop((chain, other));
    assert_eq!(multi.info().unwrap().length, bytes_of(8));
    assert_eq!(objects().len(), before.len() + 5);
    drop(multi);
    assert_eq!(objects(), before);
}
