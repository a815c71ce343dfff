// SPDX-License-Identifier: MIT OR Apache-2.0

//! Buffers: what they are, and who pays for them.

mod cgroups;
mod contiguous;
mod guarded;
mod locked_memory;
mod sparse;

use iomd::{Errno, Kind};
use iomd_sys::{IOMD_BUFFER_CREATE, IOMD_BUFFER_SPARSE, iomd_buffer_create};

use crate::support::raw::{refused, size};
use crate::support::wiped::assert_wiped;
use crate::support::{PAGE, client, objects, open_files, window};

/// The longest buffer that there can be, in bytes.
const LONGEST: u64 = 1 << 63;

#[test]
fn lengths_are_bytes_in_whole_pages() {
    let client = client();
    let page = PAGE as u64;
    for (length, pages) in [(1, 1), (page - 1, 1), (page, 1), (page + 1, 2), (10 * page, 10)] {
        let populated = client.buffer(length).unwrap().info().unwrap();
        assert_eq!((populated.length, populated.resident), (length, pages * page));
        let sparse = client.sparse_buffer(length).unwrap().info().unwrap();
        assert_eq!((sparse.length, sparse.resident), (length, 0));
        for info in [populated, sparse] {
            assert_eq!((info.kind, info.maps, info.read_only), (Kind::Buffer, 0, false));
        }
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    let client = client();
    let (before, files) = (objects(), open_files());
    for flags in [0, IOMD_BUFFER_SPARSE] {
        for (length, errno) in [
            (0, Errno::INVAL),
            (LONGEST + 1, Errno::OVERFLOW),
            (LONGEST + PAGE as u64, Errno::OVERFLOW),
            (u64::MAX - PAGE as u64 + 1, Errno::OVERFLOW),
            (u64::MAX, Errno::OVERFLOW),
        ] {
            let size = size::<iomd_buffer_create>();
            let create = iomd_buffer_create { size, flags, length, id: 7, fd: 7, padding: 0 };
            assert_eq!(refused(&client, IOMD_BUFFER_CREATE, create), errno, "{length:#x}");
        }
    }
    assert_eq!(objects(), before);
    assert_eq!(open_files(), files);
}

#[test]
fn memory_is_zeros_whatever_was_there_before() {
    const LENGTH: u64 = 2 << 20;
    let client = client();
    assert_wiped(|| window(&client.buffer(LENGTH).unwrap()).into());
    assert_wiped(|| window(&client.sparse_buffer(LENGTH).unwrap()).into());
}
