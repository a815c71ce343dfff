// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that nobody can access.

use iomd::Errno;
use rustix::process::Signal;

use super::bytes_of;
use crate::support::{End, PAGE, User, buffer, client, kernel_mode, painted, unique};

const TAG: u64 = 0x0100;

#[test]
fn accesses_between_parts_fail() {
    let parts = [painted(2, TAG), client().guard(bytes_of(2)).unwrap(), painted(2, TAG + 4)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let map = unique(&multi);
    let user = User::of(&map);
    for page in [0, 1, 4, 5] {
        assert_eq!(user.read(page * PAGE), TAG + page as u64);
    }
    for page in [2, 3] {
        let victim = User::of(&map);
        victim.begin_read(page * PAGE);
        assert_eq!(victim.into_child().end(), End::Killed(Signal::BUS), "page {page}");
    }
    // A switch takes the guard away, and brings it back.
    map.redirect(&painted(6, 2 * TAG)).run().unwrap();
    assert_eq!(user.read(2 * PAGE), 2 * TAG + 2);
    map.redirect(&multi).run().unwrap();
    let victim = User::of(&map);
    victim.begin_write(3 * PAGE, 1);
    assert_eq!(victim.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(user.read(5 * PAGE), TAG + 5);
}

#[test]
fn a_system_call_fails() {
    let guard = client().guard(1).unwrap();
    let child = kernel_mode::access(&unique(&guard), kernel_mode::read);
    assert_eq!(child.hear_outcome(), Err(Errno::FAULT));
}

#[test]
fn there_is_nothing_to_copy() {
    let (guard, memory) = (client().guard(bytes_of(2)).unwrap(), painted(2, TAG));
    let info = guard.info().unwrap();
    assert_eq!((info.kind, info.resident), (iomd::Kind::Guard, 0));
    for (source, target) in [(&guard, &memory), (&memory, &guard)] {
        assert_eq!(source.copy_to(target).run().unwrap_err().errno(), Errno::NODATA);
    }
    let multi = client().multi(&[&memory, &guard]).unwrap();
    assert_eq!(multi.copy_to(&buffer(4)).run().unwrap_err().errno(), Errno::NODATA);
    multi.copy_to(&buffer(2)).range(0, bytes_of(2)).run().unwrap();
}
