// SPDX-License-Identifier: MIT OR Apache-2.0

//! What maps show after a batch.

use iomd::Errno;

use super::{Maps, NEW, OLD, info};
use crate::support::{PAGE, User, client, painted, unique};

#[test]
fn all_maps_show_their_new_memory() {
    let client = client();
    let maps = Maps::<3>::new();
    let users = maps.users();
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), OLD + number);
    }
    let before = maps.info();
    let redirected = maps.batch(&client).run().unwrap();
    assert_eq!(redirected.pinned, 0);
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), NEW + number);
    }
    maps.assert_show(NEW);
    for ((before, after), new) in before.iter().zip(maps.info()).zip(&maps.new) {
        assert_eq!(after.descriptor_id, new.id().unwrap());
        assert_eq!(after.redirects, before.redirects + 1);
        assert_eq!(after.generation, before.generation + 1);
        assert!(!after.suspended);
    }
    for old in &maps.old {
        assert_eq!(old.info().unwrap().maps, 0, "the map has left");
    }
}

#[test]
fn one_map_is_a_batch() {
    let client = client();
    let maps = Maps::<1>::new();
    maps.batch(&client).run().unwrap();
    maps.assert_show(NEW);
}

#[test]
fn several_maps_may_go_to_one_memory() {
    let client = client();
    let maps = Maps::<3>::new();
    let new = painted(4, NEW);
    let offset = |page: usize| (page * PAGE) as u64;
    client
        .batch()
        .redirect_at(&maps.maps[0], &new, offset(2))
        .redirect_at(&maps.maps[1], &new, offset(2))
        .redirect_at(&maps.maps[2], &new, offset(3))
        .run()
        .unwrap();
    let users = maps.users();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW + 2, NEW + 2, NEW + 3]);
    users[0].write(8, 7);
    assert_eq!(users[1].read(8), 7);
    assert_eq!(new.info().unwrap().maps, 3);
    assert_eq!(info(&maps.maps[2]).offset, offset(3));
}

#[test]
fn two_maps_swap_their_memory() {
    let client = client();
    let memories = [painted(1, OLD), painted(1, NEW)];
    let [a, b] = memories.each_ref().map(unique);
    let users = [User::of(&a), User::of(&b)];
    for _ in 0..10 {
        client.batch().redirect(&a, &memories[1]).redirect(&b, &memories[0]).run().unwrap();
        assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, OLD]);
        client.batch().redirect(&b, &memories[1]).redirect(&a, &memories[0]).run().unwrap();
        assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, NEW]);
    }
    assert_eq!(memories.each_ref().map(|memory| memory.info().unwrap().maps), [1, 1]);
}

#[test]
fn three_maps_go_round() {
    let client = client();
    let memories = [painted(1, OLD), painted(1, OLD + 1), painted(1, OLD + 2)];
    let maps = memories.each_ref().map(unique);
    let users = maps.each_ref().map(User::of);
    for turn in 1..=6 {
        let batch = maps.iter().enumerate().fold(client.batch(), |batch, (number, map)| {
            batch.redirect(map, &memories[(number + turn) % 3])
        });
        batch.run().unwrap();
        for (number, user) in users.iter().enumerate() {
            assert_eq!(user.read(0), OLD + ((number + turn) % 3) as u64);
        }
    }
}

#[test]
fn a_map_may_stay_where_it_is() {
    let client = client();
    let maps = Maps::<2>::new();
    let [a, b] = &maps.maps;
    client.batch().redirect(a, &maps.old[0]).redirect(b, &maps.new[1]).run().unwrap();
    let users = maps.users();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, NEW + 1]);
}

#[test]
fn rights_are_each_map_s_own() {
    let client = client();
    let memory = painted(1, OLD);
    let writable = unique(&memory);
    let read_only = memory.map().unique(true).read_only(true).create().unwrap();
    let new = painted(1, NEW);
    let new_read_only = new.read_only().unwrap();
    let wrong =
        client.batch().redirect(&read_only, &new_read_only).redirect(&writable, &new_read_only);
    assert_eq!(wrong.run().unwrap_err().errno(), Errno::ACCESS);
    let users = [User::of(&writable), User::of(&read_only)];
    assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, OLD]);
    let right = client.batch().redirect(&read_only, &new_read_only).redirect(&writable, &new);
    right.run().unwrap();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, NEW]);
}
