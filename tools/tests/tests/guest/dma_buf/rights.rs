// SPDX-License-Identifier: MIT OR Apache-2.0

//! Read-only stays read-only, through dma-bufs too.

use std::os::fd::AsFd;

use iomd::{Access, Errno};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};

use super::{OLD, PAGES};
use crate::support::peers::{Direction, Importer, Peers};
use crate::support::{PAGE, Region, client, dma_buf, painted, unique};

#[test]
fn a_read_only_dma_buf_gives_a_read_only_descriptor() {
    let dma_buf = dma_buf::read_only(PAGES);
    let memory = client().import_dma_buf(&dma_buf, 0, 0).unwrap();
    let info = memory.info().unwrap();
    assert!(info.read_only);
    assert_eq!(memory.map().create().unwrap_err().errno(), Errno::ACCESS);
    let by_id = client().open_descriptor(info.id, Access::ReadWrite).unwrap();
    assert_eq!(by_id.map().create().unwrap_err().errno(), Errno::ACCESS, "nor by its id");
    let other = painted(PAGES, OLD);
    assert_eq!(other.copy_to(&by_id).run().unwrap_err().errno(), Errno::ACCESS);
    assert_eq!(unique(&other).redirect(&by_id).run().unwrap_err().errno(), Errno::ACCESS);
    let map = memory.map().read_only(true).create().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), 0);
}

#[test]
fn read_only_memory_gives_a_read_only_dma_buf() {
    let peers = Peers::load();
    let memory = painted(PAGES, OLD);
    let map = memory.map().read_only(true).unique(true).create().unwrap();
    let by_map = map.export_dma_buf().unwrap();
    let by_descriptor = memory.read_only().unwrap().export_dma_buf().unwrap();
    for dma_buf in [by_map, by_descriptor] {
        assert!(!fcntl_getfl(&dma_buf).unwrap().contains(OFlags::RDWR));
        let device = peers.attach(&dma_buf, Importer::Static);
        // The device's own file has all rights.
        for file in [dma_buf.as_fd(), device.as_fd()] {
            let map_it = |rights| Region::map(file, 0, PAGE, rights, MapFlags::SHARED);
            let writable = map_it(ProtFlags::READ | ProtFlags::WRITE);
            assert_eq!(writable.unwrap_err(), Errno::ACCESS);
            let region = map_it(ProtFlags::READ).unwrap();
            assert_eq!(region.read(0), OLD);
            let protected = region.protect(MprotectFlags::READ | MprotectFlags::WRITE);
            assert_eq!(protected, Err(Errno::ACCESS));
            region.unmap().unwrap();
        }
        for direction in [Direction::Both, Direction::FromDevice] {
            assert_eq!(device.map(direction), Err(Errno::ACCESS), "{direction:?}");
        }
        assert_eq!(device.vmap(), Err(Errno::INVAL), "the kernel could write it");
        device.map(Direction::ToDevice).unwrap();
        assert_eq!(device.read(PAGE), Some(OLD + 1));
    }
}
