// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps of the source that go elsewhere, or wait.

use std::time::Duration;

use iomd::{Deadline, Errno};

use super::{Own, TAG, assert_painted, mapped, memory, taken, unique_shared, unmap};
use crate::support::{Child, PAGE, Region, await_waiters, painted};

#[test]
fn a_redirect_away_and_back() {
    let own = Own::new();
    let (source, other) = (memory(3), painted(3, 2 * TAG));
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    let copy = own.copy(region);
    map.redirect(&other).run().unwrap();
    region.write(0, 5);
    assert_eq!(taken(copy), 0, "that is other memory");
    // Of what it shows now.
    let second = own.copy(region);
    assert_eq!([0, 1].map(|page| second.read(page * PAGE)), [5, 2 * TAG + 1]);
    map.redirect(&source).run().unwrap();
    region.write(PAGE, 6);
    assert_eq!(taken(copy), 1);
    assert_painted(copy, TAG);
    unmap([region, copy, second]);
}

#[test]
fn a_map_that_comes_later() {
    let own = Own::new();
    let (source, other) = (memory(3), painted(3, 2 * TAG));
    let region = mapped(&source);
    let map = unique_shared(&other);
    let late = Region::from(map.mmap().unwrap());
    let copy = own.copy(region);
    map.redirect(&source).run().unwrap();
    for page in 0..3 {
        late.write(page * PAGE, 1);
    }
    assert_painted(copy, TAG);
    unmap([late, region, copy]);
}

#[test]
fn a_suspended_source_is_waited_for() {
    let own = Own::new();
    let source = memory(2);
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    map.suspend().unwrap();
    let deadline = Deadline::after(Duration::from_millis(1));
    let late = own.remap(region).copy(true).deadline(deadline).run().unwrap_err();
    assert_eq!(late.errno(), Errno::TIMEDOUT);
    let child = Child::fork(|parent| {
        let own = Own::new();
        parent.say(0);
        let copy = own.copy(region);
        parent.say(taken(copy));
        parent.say(copy.read(PAGE));
    });
    child.hear();
    child.await_state('S');
    map.resume().unwrap();
    assert_eq!((child.hear(), child.hear()), (0, TAG + 1));
    child.succeed();
    unmap([region]);
}

#[test]
fn a_copy_that_is_there_is_not_held_up_with_its_source() {
    let own = Own::new();
    let source = memory(2);
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    let copy = own.copy(region);
    source.suspend().unwrap();
    let child = Child::fork(|parent| {
        parent.say(copy.read(0));
        region.write(PAGE, 1);
        parent.say(0);
    });
    assert_eq!(child.hear(), TAG);
    await_waiters(&map, 1);
    assert_eq!(taken(copy), 1, "who waits writes nothing");
    source.resume().unwrap();
    assert_eq!(child.hear(), 0);
    child.succeed();
    assert_painted(copy, TAG);
    unmap([region, copy]);
}
