// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that the kernel writes, for a process or past all mappings.

use std::os::fd::{AsRawFd, OwnedFd};

use iomd::Descriptor;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pipe::pipe;
use rustix::process::getpid;

use super::{Own, TAG, assert_painted, mapped, memory, taken, unmap};
use crate::support::peers::{Direction, Importer, Peers};
use crate::support::ptrace::Traced;
use crate::support::uring::Ring;
use crate::support::{Child, PAGE, Region, dma_buf, painted};

const NEW: u64 = 0x5000;

/// Has all pages copied that somebody writes, each with `NEW`, and asserts that the copy has them as they
/// were.
#[track_caller]
fn assert_copied(what: &str, write: impl FnOnce(&Descriptor, Region)) {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    assert_painted(region, TAG);
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0, "{what}");
    write(&source, region);
    for page in 0..4 {
        assert_eq!(region.read(page * PAGE), NEW, "{what}, page {page}");
        assert_eq!(copy.read(page * PAGE), TAG + page as u64, "{what}, page {page}");
    }
    unmap([region, copy]);
}

fn word() -> [u8; 8] {
    NEW.to_ne_bytes()
}

#[test]
fn bytes_of_the_descriptor() {
    assert_copied("writeBytes", |source, _| {
        for page in 0..4 {
            assert_eq!(source.write_bytes(page * PAGE as u64, &word()).unwrap(), 8);
        }
    });
    assert_copied("an atomic copy to it", |source, _| {
        let other = painted(4, 0);
        let all = Region::from(other.map().keep(true).create().unwrap().mmap().unwrap());
        (0..4).for_each(|page| all.write(page * PAGE, NEW));
        other.copy_to(source).run().unwrap();
        unmap([all]);
    });
    assert_copied("IOMappedWrite", |source, _| {
        let map = source.map().in_kernel(true).create().unwrap();
        for page in 0..4 {
            map.mapped_write_u64(page * PAGE as u64, NEW).unwrap();
        }
    });
}

#[test]
fn what_is_read_in_the_kernel_is_not_taken() {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    let map = source.map().in_kernel(true).create().unwrap();
    let copy = own.copy(region);
    assert_eq!(map.mapped_read_u64(0).unwrap(), TAG);
    let mut bytes = [0; 8];
    source.read_bytes(PAGE as u64, &mut bytes).unwrap();
    assert_eq!(u64::from_ne_bytes(bytes), TAG + 1);
    source.copy_to(&painted(4, 0)).run().unwrap();
    assert_eq!(taken(copy), 0);
    unmap([region, copy]);
}

#[test]
fn memory_of_a_process() {
    assert_copied("process_vm_writev", |_, region| {
        for page in 0..4 {
            let from = word();
            let ours = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: 8 };
            let there = libc::iovec { iov_base: region.pages(page..4).as_ptr(), iov_len: 8 };
            let pid = getpid().as_raw_nonzero().get();
            // SAFETY: a region is nothing of Rust's; the word is only read.
            let done = unsafe { libc::process_vm_writev(pid, &ours, 1, &there, 1, 0) };
            assert_eq!(done, 8);
        }
    });
    assert_copied("read(2)", |_, region| {
        for page in 0..4 {
            let (reader, writer) = pipe().unwrap();
            rustix::io::write(&writer, &word()).unwrap();
            let there = region.pages(page..4).as_ptr();
            // SAFETY: a region is nothing of Rust's.
            assert_eq!(unsafe { libc::read(reader.as_raw_fd(), there, 8) }, 8);
        }
    });
    assert_copied("ptrace", |_, region| {
        let child = Child::fork(|parent| {
            parent.hear();
        });
        let traced = Traced::seize(&child);
        for page in 0..4 {
            assert_eq!(traced.peek(region.address() + page * PAGE), Ok(TAG + page as u64));
            traced.poke(region.address() + page * PAGE, NEW).unwrap();
        }
        drop(traced);
        child.say(0);
        child.succeed();
    });
}

#[test]
fn memory_that_is_pinned_after_it() {
    assert_copied("a fixed buffer", |_, region| {
        let mut ring = Ring::new();
        ring.register(region).unwrap();
        ring.read_fixed(file(), region).unwrap();
        ring.unregister();
    });
}

/// A file of four pages, each of which begins with `NEW`.
fn file() -> OwnedFd {
    let mut bytes = vec![0; 4 * PAGE];
    for page in 0..4 {
        bytes[page * PAGE..page * PAGE + 8].copy_from_slice(&word());
    }
    let file = memfd_create("lazy", MemfdFlags::CLOEXEC).unwrap();
    rustix::io::pwrite(&file, &bytes, 0).unwrap();
    file
}

#[test]
fn memory_that_devices_write() {
    assert_copied("a mapped dma-buf", |source, _| {
        let exported = source.export_dma_buf().unwrap();
        let region = dma_buf::map(&exported, 4);
        (0..4).for_each(|page| region.write(page * PAGE, NEW));
        unmap([region]);
    });
    let peers = Peers::load();
    for importer in [Importer::Static, Importer::Prompt] {
        assert_copied("a device", |source, _| {
            let device = peers.attach(source.export_dma_buf().unwrap(), importer);
            device.map(Direction::Both).unwrap();
            (0..4).for_each(|page| device.write(page * PAGE, NEW));
        });
    }
}
