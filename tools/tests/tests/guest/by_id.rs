// SPDX-License-Identifier: MIT OR Apache-2.0

//! Objects by their ids, for administrators.

use iomd::{Access, AnyObject, Client, Errno, Inheritance, Kind, Map, Object};
use iomd_sys::{
    IOMD_KIND_BUFFER, IOMD_KIND_MAP, IOMD_OBJECT_NEXT, IOMD_OBJECT_OPEN, IOMD_OPEN_READ_ONLY,
    iomd_object_next, iomd_object_open,
};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior};
use rustix::thread::CapabilitySet;

use crate::support::privileges::{become_user, enter_user_namespace, give_up};
use crate::support::raw::{self, refused, size};
use crate::support::{
    Child, End, PAGE, User, assert_painted, buffer, client, objects, open_files, painted, scaled,
    unique, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Who has no CAP_SYS_ADMIN in the initial user namespace.
const OTHERS: [(&str, fn()); 3] = [
    ("without the capability", || give_up(CapabilitySet::SYS_ADMIN)),
    ("another user", || become_user(4711)),
    ("in a user namespace", enter_user_namespace),
];

/// All objects, as they are listed.
fn listed() -> Vec<Object> {
    client().objects().map(Result::unwrap).collect()
}

/// Asks for the object that follows an id, in vain; fails if something is written back.
fn no_next(client: &Client, id: u64) -> Errno {
    let next =
        iomd_object_next { size: size::<iomd_object_next>(), id, kind: 7, ..Default::default() };
    refused(client, IOMD_OBJECT_NEXT, next)
}

/// Opens an object in vain; fails if something is written back.
fn not_opened(client: &Client, id: u64, flags: u32) -> Errno {
    let open = iomd_object_open { size: size::<iomd_object_open>(), flags, id, kind: 7, fd: 7 };
    refused(client, IOMD_OBJECT_OPEN, open)
}

#[test]
fn are_for_administrators() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    let (memory_id, map_id) = (memory.id().unwrap(), map.id().unwrap());
    // Opened by root: it counts who asks.
    let client = client();
    let before = objects();
    for (who, lose) in OTHERS {
        let child = Child::fork(|_| {
            lose();
            // Who changes who he is cannot look at himself in /proc any more, unless he says so.
            set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
            let files = open_files();
            for id in [0, memory_id, map_id, u64::MAX] {
                assert_eq!(no_next(&client, id), Errno::PERM, "{who}");
                // Nobody learns so what there is.
                for flags in [0, IOMD_OPEN_READ_ONLY] {
                    assert_eq!(not_opened(&client, id, flags), Errno::PERM, "{who}");
                }
            }
            assert_eq!(open_files(), files);
            // All else is for everybody.
            client.features().unwrap();
            assert_eq!(memory.id().unwrap(), memory_id);
            client.sparse_buffer(1).unwrap().map().create().unwrap();
        });
        child.succeed();
    }
    assert_eq!(objects(), before);
}

#[test]
fn are_listed_in_order_with_their_kinds() {
    let before = listed();
    let memory = buffer(1);
    let map = unique(&memory);
    let other = buffer(1);
    let [memory_id, map_id, other_id] = [memory.id(), map.id(), other.id()].map(Result::unwrap);
    assert!(before.is_sorted_by_key(|object| object.id));
    let mut expected = before.clone();
    expected.extend([
        Object { id: memory_id, kind: Kind::Buffer },
        Object { id: map_id, kind: Kind::Map },
        Object { id: other_id, kind: Kind::Buffer },
    ]);
    assert_eq!(listed(), expected);

    // From anywhere on, also from ids that are nobody's.
    let client = client();
    for (last, next) in [
        (memory_id, Some((map_id, IOMD_KIND_MAP))),
        (map_id, Some((other_id, IOMD_KIND_BUFFER))),
        (map_id - 1, Some((map_id, IOMD_KIND_MAP))),
        (other_id, None),
        (1 << 63, None),
        (u64::MAX - 1, None),
        (u64::MAX, None),
    ] {
        let mut found =
            iomd_object_next { size: size::<iomd_object_next>(), id: last, ..Default::default() };
        match next {
            Some(next) => {
                raw::call(&client, IOMD_OBJECT_NEXT, &mut found).unwrap();
                assert_eq!((found.id, found.kind), next);
            }
            None => assert_eq!(no_next(&client, last), Errno::NOENT, "{last:#x}"),
        }
    }

    // Objects may go while they are listed.
    let mut walk = client.objects().skip(before.len());
    assert_eq!(walk.next(), Some(Ok(expected[before.len()])));
    drop((map, memory));
    assert_eq!(walk.next(), Some(Ok(*expected.last().unwrap())));
    assert_eq!(walk.next(), None);
    drop(other);
    assert_eq!(listed(), before);
}

#[test]
fn rise_and_are_never_used_again() {
    let mut last = 0;
    let mut rises = |id: u64| {
        assert!(id > last, "{id} after {last}");
        last = id;
    };
    for _ in 0..scaled(1000) {
        let memory = buffer(1);
        rises(memory.id().unwrap());
        // Both kinds have theirs from one sequence.
        rises(unique(&memory).id().unwrap());
        rises(unique(&memory).id().unwrap());
    }
    let memory = client().map_fresh(PAGE).unwrap();
    for &id in objects().iter().rev().take(2).rev() {
        rises(id);
    }
    drop(memory);
    rises(buffer(1).id().unwrap());
}

#[test]
fn of_objects_that_are_gone_or_never_were_open_nothing() {
    let client = client();
    let memory = buffer(1);
    let map = unique(&memory);
    let ids = [memory.id().unwrap(), map.id().unwrap()];
    drop(map);
    drop(memory);
    let files = open_files();
    for id in [ids[0], ids[1], 0, ids[1] + 1_000_000, u64::MAX] {
        for flags in [0, IOMD_OPEN_READ_ONLY] {
            assert_eq!(not_opened(&client, id, flags), Errno::NOENT, "{id}");
        }
    }
    assert_eq!(open_files(), files);
}

#[test]
fn open_the_very_object() {
    let client = client();
    let memory = painted(2, OLD);
    let map = unique_shared(&memory);
    let user = User::of(&map);
    let AnyObject::Descriptor(again) = client.open_object(memory.id().unwrap()).unwrap() else {
        panic!("it is a descriptor");
    };
    assert_eq!(again.info().unwrap(), memory.info().unwrap());
    assert!(!again.info().unwrap().read_only);
    window(&again).store_u64(8, 7);
    assert_eq!(user.read(8), 7);

    let AnyObject::Map(again) = client.open_object(map.id().unwrap()).unwrap() else {
        panic!("it is a map");
    };
    assert_eq!(again.info().unwrap(), map.info().unwrap());
    again.redirect(&painted(2, NEW)).run().unwrap();
    assert_eq!(user.read(PAGE), NEW + 1);
    assert_eq!(again.mmap().unwrap().load_u64(0), NEW);

    // Also one that nobody has a file of any more.
    let id = memory.id().unwrap();
    map.redirect(&memory).run().unwrap();
    drop(memory);
    let memory = client.open_descriptor(id, Access::ReadWrite).unwrap();
    assert_painted(&memory, OLD);
}

#[test]
fn open_a_descriptor_with_fewer_rights() {
    let client = client();
    let memory = painted(1, OLD);
    let id = memory.id().unwrap();
    let read_only = client.open_descriptor(id, Access::ReadOnly).unwrap();
    assert!(read_only.info().unwrap().read_only);
    assert!(!memory.info().unwrap().read_only, "this one has its own");
    assert_eq!(read_only.map().create().unwrap_err().errno(), Errno::ACCESS);
    let map = read_only.map().unique(true).read_only(true).create().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), OLD);
    assert_eq!(unique(&memory).redirect(&read_only).run().unwrap_err().errno(), Errno::ACCESS);
    assert!(read_only.reopen(Access::ReadWrite).unwrap().info().unwrap().read_only);
}

#[test]
fn open_no_map_with_fewer_rights() {
    let client = client();
    let memory = buffer(1);
    let files = open_files();
    for read_only in [false, true] {
        let map = memory.map().read_only(read_only).create().unwrap();
        let id = map.id().unwrap();
        assert_eq!(not_opened(&client, id, IOMD_OPEN_READ_ONLY), Errno::INVAL);
        assert_eq!(open_files(), files + 1);
    }
}

/// A map with a process that uses it.
fn used_map(keep: bool) -> (Map, User) {
    let memory = painted(1, OLD);
    let builder = memory.map().unique(true).inheritance(Inheritance::Share).keep(keep);
    let map = builder.create().unwrap();
    let user = User::of(&map);
    assert_eq!(user.read(0), OLD);
    (map, user)
}

#[track_caller]
fn assert_lives(user: &User) {
    assert_eq!(user.read(0), OLD);
}

/// Asserts that the map has ended: its user dies of it.
#[track_caller]
fn assert_ended(user: User, id: u64) {
    let map = client().open_map(id).unwrap();
    assert!(map.info().unwrap().ended);
    assert_eq!(map.mmap().unwrap_err().errno(), Errno::NODEV);
    user.begin_read(0);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    drop(map);
    assert!(!objects().contains(&id));
}

#[test]
fn open_a_map_and_its_close_ends_it_only_as_the_last() {
    let client = client();
    // Opened and closed beside the one that made it.
    let (map, user) = used_map(false);
    let id = map.id().unwrap();
    for _ in 0..3 {
        drop(client.open_map(id).unwrap());
        assert_lives(&user);
    }
    drop(map);
    assert_ended(user, id);

    // It outlasts the one that made it.
    let (map, user) = used_map(false);
    let id = map.id().unwrap();
    let [one, other] = [(); 2].map(|()| client.open_map(id).unwrap());
    drop(map);
    assert_lives(&user);
    drop(one);
    assert_lives(&user);
    other.suspend().unwrap();
    other.resume().unwrap();
    drop(other);
    assert_ended(user, id);
}

#[test]
fn open_a_map_that_lives_without_being_open() {
    let client = client();
    let (map, user) = used_map(true);
    let id = map.id().unwrap();
    drop(client.open_map(id).unwrap());
    assert_lives(&user);
    drop(map);
    assert_lives(&user);
    for _ in 0..3 {
        drop(client.open_map(id).unwrap());
        assert_lives(&user);
    }
    // To end it takes a call.
    client.open_map(id).unwrap().unmap().unwrap();
    assert_ended(user, id);
}
