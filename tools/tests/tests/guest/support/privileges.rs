// SPDX-License-Identifier: MIT OR Apache-2.0

//! Having fewer rights. Only children give theirs up.

use iomd::Map;
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, UnshareFlags, capabilities, set_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
};

use super::{Child, painted, unique_shared};

/// Gives capabilities up for good.
pub fn give_up(lost: CapabilitySet) {
    let mut sets = capabilities(None).expect("capabilities can be asked for");
    sets.effective.remove(lost);
    sets.permitted.remove(lost);
    sets.inheritable.remove(lost);
    set_capabilities(None, sets).expect("capabilities can be given up");
}

/// Becomes a user that nobody else is, without any capability.
pub fn become_user(number: u32) {
    let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
    set_thread_groups(&[]).expect("root may");
    set_thread_res_gid(group, group, group).expect("root may");
    set_thread_res_uid(user, user, user).expect("root may");
}

/// Enters a user namespace of its own, with all capabilities there and none outside.
pub fn enter_user_namespace() {
    // SAFETY: file descriptors are not unshared.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.expect("a user namespace is made");
}

/// How somebody comes to be without CAP_SYS_PTRACE in the initial user namespace.
pub const WITHOUT_PTRACE: [(&str, fn()); 3] = [
    ("without the capability", || give_up(CapabilitySet::SYS_PTRACE)),
    ("of another user", || become_user(4711)),
    ("in a user namespace", enter_user_namespace),
];

/// A unique, inherited map of painted memory, made by somebody who has lost rights.
pub fn map_made(pages: usize, tag: u64, lose: fn()) -> Map {
    let descriptor = painted(pages, tag);
    let child = Child::fork(|parent| {
        lose();
        parent.send(unique_shared(&descriptor));
    });
    let map = child.receive();
    child.succeed();
    map
}

/// Suspends a map as somebody who has lost rights.
pub fn suspend_as(lose: fn(), map: &Map) {
    let child = Child::fork(|_| {
        lose();
        map.suspend().expect("to suspend takes no rights but the handle");
    });
    child.succeed();
}
