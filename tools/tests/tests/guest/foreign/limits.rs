// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pinned pages count as locked memory of whoever made the descriptor.

use iomd::{Direction, Errno};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{descriptor, leaves_no_pin, memory};
use crate::support::privileges::become_user;
use crate::support::{Child, PAGE, client};

const PAGES: usize = 8;

#[test]
fn no_more_is_pinned_than_may_be_locked() {
    let client = client();
    leaves_no_pin(|| {
        let child = Child::fork(|_| {
            let bytes = Some((PAGES * PAGE) as u64);
            setrlimit(Resource::Memlock, Rlimit { current: bytes, maximum: bytes }).unwrap();
            become_user(5101);
            let task = client.own_task().unwrap();
            let make = |pages| {
                let range = super::range(memory(pages));
                client.address_range(&task, range, Direction::InOut).unwrap()
            };
            let refused = |outcome: iomd::Result<()>| outcome.unwrap_err().errno() == Errno::NOMEM;
            let (fits, too_long) = (make(PAGES), make(PAGES + 1));
            assert!(refused(too_long.prepare(None)));
            assert!(refused(too_long.map().create().map(drop)));
            for _ in 0..3 {
                fits.prepare(None).unwrap();
                // Of another descriptor, or of another kind: it is one account.
                assert!(refused(make(1).prepare(None)));
                assert!(refused(client.buffer(1).map(drop)));
                fits.complete().unwrap();
            }
            let file = memfd_create("limited", MemfdFlags::CLOEXEC).unwrap();
            ftruncate(&file, ((PAGES + 1) * PAGE) as u64).unwrap();
            let import = |pages: usize| {
                client.import_memfd(&file, 0, (pages * PAGE) as u64, Direction::InOut)
            };
            assert!(refused(import(PAGES + 1).map(drop)));
            let imported = import(PAGES).unwrap();
            assert!(refused(fits.prepare(None)));
            drop(imported);
            let map = fits.map().create().unwrap();
            assert!(refused(import(1).map(drop)));
            drop(map);
            import(1).unwrap();
        });
        child.succeed();
    });
}

#[test]
fn what_was_prepared_partly_is_given_back() {
    leaves_no_pin(|| {
        let source = memory(PAGES);
        source.pages(PAGES - 1..PAGES).unmap().unwrap();
        let memory = descriptor(source, Direction::InOut);
        for _ in 0..3 {
            assert_eq!(memory.prepare(None).unwrap_err().errno(), Errno::FAULT);
            assert_eq!(memory.map().create().unwrap_err().errno(), Errno::FAULT);
        }
        assert_eq!(memory.info().unwrap().resident, 0);
        source.pages(0..PAGES - 1).unmap().unwrap();
    });
}
