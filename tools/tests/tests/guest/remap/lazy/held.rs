// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages that somebody holds at the moment of the copy, and so can write without a fault.

use iomd::Access;
use rustix::fs::{MemfdFlags, memfd_create};

use super::{Own, TAG, mapped, memory, taken, unmap};
use crate::support::PAGE;
use crate::support::peers::{Direction, Importer, Peers};
use crate::support::pin::Pin;
use crate::support::uring::Ring;

#[test]
fn are_taken_at_once() {
    let own = Own::new();
    let source = memory(8);
    let region = mapped(&source);
    let pin = Pin::of(region.pages(2..5));
    let copy = own.copy(region);
    assert_eq!(taken(copy), 3);
    drop(pin);
    unmap([copy]);
    let copy = own.copy(region);
    assert_eq!(taken(copy), 0);
    unmap([region, copy]);
}

#[test]
fn are_as_they_were_whoever_writes_them() {
    let own = Own::new();
    let source = memory(4);
    let region = mapped(&source);
    let mut ring = Ring::new();
    ring.register(region.pages(1..2)).unwrap();
    let peers = Peers::load();
    let part = source.sub(2 * PAGE as u64, PAGE as u64, Access::ReadWrite).unwrap();
    let device = peers.attach(part.export_dma_buf().unwrap(), Importer::Static);
    device.map(Direction::Both).unwrap();
    let copy = own.copy(region);
    assert_eq!(taken(copy), 2);
    let file = memfd_create("zeros", MemfdFlags::CLOEXEC).unwrap();
    rustix::io::pwrite(&file, &[0; PAGE], 0).unwrap();
    ring.read_fixed(&file, region.pages(1..2)).unwrap();
    device.write(0, 0);
    assert_eq!([1, 2].map(|page| region.read(page * PAGE)), [0, 0]);
    assert_eq!([0, 1, 2, 3].map(|page| copy.read(page * PAGE)), [0, 1, 2, 3].map(|n| TAG + n));
    unmap([region, copy]);
}
