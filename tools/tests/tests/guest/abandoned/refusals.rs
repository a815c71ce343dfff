// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is refused takes no ownership.

use std::os::fd::{AsFd, AsRawFd};

use iomd::Errno;
use iomd::IfAbandoned::{Resume, Sigbus};
use iomd_sys as sys;

use super::{NEW, OLD, assert_wait, owner, reader, suspend};
use crate::support::pin::Pin;
use crate::support::{painted, raw, unique};

/// A suspension as the kernel takes it.
fn argument() -> sys::iomd_redirect {
    sys::iomd_redirect {
        size: raw::size::<sys::iomd_redirect>(),
        descriptor: sys::IOMD_NO_DESCRIPTOR,
        pinned: u64::MAX,
        ..Default::default()
    }
}

#[test]
fn two_policies_are_refused() {
    let map = unique(&painted(1, OLD));
    for suspended in [false, true] {
        if suspended {
            suspend(&map, Resume);
        }
        let before = map.info().unwrap();
        let both = sys::IOMD_REDIRECT_ABANDONED_SIGBUS | sys::IOMD_REDIRECT_ABANDONED_RESUME;
        for flags in [both, both | sys::IOMD_REDIRECT_REFUSE_PINNED, 1 << 3, 1 << 31] {
            let argument = sys::iomd_redirect { flags, ..argument() };
            assert_eq!(raw::refused(&map, sys::IOMD_REDIRECT, argument), Errno::INVAL);
        }
        assert_eq!(map.info().unwrap(), before);
    }
}

#[test]
fn a_policy_with_new_memory_is_refused() {
    let new = painted(1, NEW);
    let map = unique(&painted(1, OLD));
    let before = map.info().unwrap();
    let descriptor = new.as_fd().as_raw_fd();
    for flags in [sys::IOMD_REDIRECT_ABANDONED_SIGBUS, sys::IOMD_REDIRECT_ABANDONED_RESUME] {
        let argument = sys::iomd_redirect { flags, descriptor, ..argument() };
        assert_eq!(raw::refused(&map, sys::IOMD_REDIRECT, argument), Errno::INVAL);
    }
    assert_eq!(map.info().unwrap(), before);
}

#[test]
fn the_refused_do_not_take_ownership() {
    let map = unique(&painted(1, OLD));
    let pin = Pin::of(map.mmap().unwrap().into());
    let own = owner(&map, Resume);
    let user = reader(&map);
    let other = map.reopen().unwrap();
    let refused = other.suspend_with().if_abandoned(Sigbus).refuse_pinned(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::BUSY);
    drop(other);
    assert_wait(&map, &[&user]);
    drop(own);
    assert_eq!(user.finish(), OLD);
    drop(pin);
}
