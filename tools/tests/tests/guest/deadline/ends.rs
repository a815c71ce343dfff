// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map whose deadline has passed, and what makes it usable again.

use super::{NEW, OLD, PAST, assert_live, assert_suspended, expired, far, suspend_until};
use crate::support::{User, await_waiters, buffer, client, painted, unique, window};

#[test]
fn a_redirect_revives() {
    let map = expired();
    let new = painted(1, NEW);
    let user = User::of(&map);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.read(0), NEW);
    assert_live(&map);
    // The deadline is of the suspension that it ended, and of no other.
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert_suspended(&map, false);
    map.resume().unwrap();
    assert_eq!(user.finish(), NEW);
}

#[test]
fn a_resumption_revives() {
    let map = expired();
    let user = User::of(&map);
    map.resume().unwrap();
    assert_eq!(user.read(0), OLD, "never zeros instead of data");
    assert_live(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn who_waits_before_it_goes_on_when_it_is_over_in_time() {
    let new = painted(1, NEW);
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    suspend_until(&map, far());
    user.begin_read(0);
    await_waiters(&map, 1);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.finish(), NEW);
    assert_live(&map);
}

#[test]
fn a_copy_leaves_it_as_it_is() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    suspend_until(&map, PAST);
    let before = map.info().unwrap();
    let copy = buffer(1);
    assert_eq!(memory.copy_to(&copy).run().unwrap().maps, 0);
    assert_eq!(memory.copy_to(&buffer(1)).resume_on_target(true).run().unwrap().maps, 0);
    assert_eq!(map.info().unwrap(), before);
    assert_eq!(window(&copy).load_u64(0), OLD);
    map.resume().unwrap();
    assert_eq!(User::of(&map).read(0), OLD);
}

#[test]
fn an_ended_map_takes_any() {
    let map = unique(&painted(1, OLD));
    map.unmap().unwrap();
    let before = map.info().unwrap();
    for deadline in [PAST, far()] {
        suspend_until(&map, deadline);
        assert_eq!(map.info().unwrap(), before);
    }
}

#[test]
fn a_new_client_knows_of_it() {
    // By another file of the same map.
    let map = expired();
    let other = client().open_map(map.id().unwrap()).unwrap();
    assert_suspended(&other, true);
    let user = User::of(&other);
    other.resume().unwrap();
    assert_eq!(user.read(0), OLD);
    assert_live(&map);
}
