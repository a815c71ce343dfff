// SPDX-License-Identifier: MIT OR Apache-2.0

//! One of the two sides is gone.

use iomd::{Errno, Purgeable};

use super::{Own, TAG, assert_painted, mapped, memory, place, taken, unique_shared, unmap};
use crate::support::{Child, PAGE, Region, client, objects, run_on};

#[test]
fn the_source_is_closed_and_unmapped() {
    let own = Own::new();
    let before = objects();
    let source = memory(4);
    let region = mapped(&source);
    let copy = own.copy(region);
    region.write(PAGE, 1);
    unmap([region]);
    drop(source);
    assert_painted(copy, TAG);
    unmap([copy]);
    assert_eq!(objects(), before, "nothing is left of either");
}

#[test]
fn who_has_all_needs_the_source_no_more() {
    let own = Own::new();
    let before = objects();
    let sides: [fn(Region, Region) -> Region; 2] = [|source, _| source, |_, copy| copy];
    for side in sides {
        let source = memory(2);
        let region = mapped(&source);
        let copy = own.copy(region);
        let touched = side(region, copy);
        assert_painted(touched, TAG);
        assert_eq!(taken(copy), 2);
        // Before, it would be refused.
        source.set_purgeable(Purgeable::Empty).unwrap();
        unmap([region]);
        drop(source);
        assert_eq!(objects().len(), before.len() + 2, "the copy and its map");
        assert_painted(copy, TAG);
        unmap([copy]);
    }
    assert_eq!(objects(), before);
}

#[test]
fn the_source_s_mapping_ends() {
    let own = Own::new();
    let source = memory(2);
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    let copy = own.copy(region);
    map.unmap().unwrap();
    assert_painted(copy, TAG);
    unmap([region, copy]);
}

#[test]
fn the_source_s_process_exits() {
    let own = Own::new();
    let child = Child::fork(|parent| {
        let region = mapped(&memory(2));
        parent.send(client().own_task().unwrap());
        parent.say(region.address() as u64);
        parent.hear();
        region.write(0, 3);
    });
    let task: iomd::Task = child.receive();
    let address = child.hear();
    let remap =
        own.client.remap(&task, address, 2 * PAGE as u64).copy(true).from(super::super::ELSEWHERE);
    let copy = place(remap.into_task(&own.task).run().unwrap(), 2 * PAGE);
    assert_eq!(taken(copy), 0);
    child.say(0);
    child.succeed();
    assert_painted(copy, TAG);
    unmap([copy]);
}

#[test]
fn what_is_lacking_is_not_taken_away() {
    let own = Own::new();
    let source = memory(2);
    let region = mapped(&source);
    let copy = own.copy(region);
    source.set_purgeable(Purgeable::Volatile).unwrap();
    let refused = source.set_purgeable(Purgeable::Empty).unwrap_err();
    assert_eq!(refused.errno(), Errno::BUSY);
    assert_painted(copy, TAG);
    unmap([copy]);
    source.set_purgeable(Purgeable::Empty).unwrap();
    unmap([region]);
}

#[test]
fn copies_are_dropped_while_the_source_is_written() {
    const PAGES: usize = 8;
    let own = Own::new();
    let source = memory(PAGES);
    let region = mapped(&source);
    let before = objects();
    let writer = Child::fork(|parent| {
        run_on(1);
        parent.say(0);
        for word in 1.. {
            for page in 0..PAGES {
                region.write(page * PAGE, word);
            }
            if !parent.is_ready(std::time::Duration::ZERO) {
                continue;
            }
            break;
        }
    });
    writer.hear();
    run_on(0);
    for _ in 0..crate::support::scaled(300) {
        unmap([own.copy(region)]);
    }
    writer.say(0);
    writer.succeed();
    assert_eq!(objects(), before);
    unmap([region]);
}
