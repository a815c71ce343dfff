// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors that the tool makes.

use std::os::fd::AsRawFd;

use iomd::{Access, CacheMode, Errno, Kind};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::pwrite;
use rustix::mm::{MapFlags, ProtFlags};

use crate::foreign::physical::Device;
use crate::support::tool::{Tool, run};
use crate::support::{PAGE, Region, client, eventually, objects, painted, window};

const TAG: u64 = 0x0100;

/// Has the tool make a descriptor; its id.
#[track_caller]
fn create(arguments: &[&str]) -> (Tool, u64) {
    // A terminal has no end of input, as long as nobody types it.
    let mut tool = Tool::on_terminal(&[&["create"], arguments].concat(), 80, 25);
    let said = tool.until("parts");
    let id = said.split_whitespace().nth(1).and_then(|id| id.parse().ok());
    (tool, id.unwrap_or_else(|| panic!("{said}")))
}

#[test]
fn every_kind_lives_as_long_as_the_tool() {
    let (one, other) = (painted(2, TAG), painted(2, TAG + 2));
    let [one, other] = [&one, &other].map(|memory| memory.id().unwrap().to_string());
    // The same memory, as that of a process and of a file.
    let file = memfd_create("created", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, 2 * PAGE as u64).unwrap();
    pwrite(&file, &(TAG + 5).to_ne_bytes(), PAGE as u64).unwrap();
    let process = std::process::id().to_string();
    let path = format!("/proc/{process}/fd/{}", file.as_raw_fd());
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    let region = Region::map(&file, 0, 2 * PAGE, rights, MapFlags::SHARED).unwrap();
    let range = format!("{:#x}:4096", region.address() + PAGE);
    let before = objects();
    for (arguments, kind, length, words) in [
        (vec!["buffer", "5000"], Kind::Buffer, 5000, [0, 0]),
        (vec!["buffer", "0x2000", "--sparse"], Kind::Buffer, 8192, [0, 0]),
        (vec!["sub", &one, "--offset", "4096"], Kind::Sub, 4096, [TAG + 1, 0]),
        (vec!["multi", &other, &one], Kind::Multi, 4 * 4096, [TAG + 2, TAG + 3]),
        (vec!["interleaved", &one, &other], Kind::Interleaved, 4 * 4096, [TAG, TAG + 2]),
        (vec!["guard", "1"], Kind::Guard, 1, [0, 0]),
        (vec!["ranges", "--task", &process, &range], Kind::AddressRanges, 4096, [TAG + 5, 0]),
        (vec!["memfd", &path, "--offset", "4096"], Kind::Memfd, 4096, [TAG + 5, 0]),
    ] {
        let (tool, id) = create(&arguments);
        let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
        let info = memory.info().unwrap();
        assert_eq!((info.kind, info.length), (kind, length), "{arguments:?}");
        if kind != Kind::Guard {
            let mapping = window(&memory);
            for (page, word) in (0..mapping.len() / PAGE).zip(words) {
                assert_eq!(mapping.load_u64(page * PAGE), word, "{arguments:?}");
            }
        }
        drop(memory);
        tool.kill();
        eventually("it goes with the tool", || objects() == before);
    }
}

#[test]
fn a_buffer_can_be_in_pieces() {
    let (tool, id) = create(&["buffer", "0x400000", "--sparse", "--large"]);
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    assert_eq!(window(&memory).load_u64(0), 0);
    assert_eq!(memory.info().unwrap().resident, 2 << 20, "one touch brings a piece");
    tool.kill();
}

#[test]
fn a_buffer_can_be_together() {
    let (tool, id) = create(&["buffer", "0x400000", "--contiguous"]);
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    let segment = memory.map().create().unwrap().physical_segment(0).unwrap();
    assert_eq!(segment.length, 4 << 20);
    tool.kill();
}

#[test]
fn a_buffer_can_be_made_for_lazy_copies() {
    let (tool, id) = create(&["buffer", "8192", "--lazy-copy"]);
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    // Such memory has no other cache mode.
    let refused = memory.map().cache_mode(CacheMode::WriteCombine).create().unwrap_err();
    assert_eq!(refused.errno(), Errno::OPNOTSUPP);
    tool.kill();
}

#[test]
fn memory_of_a_device_can_be_read_only() {
    let address = format!("{:#x}", Device::address());
    let (tool, id) = create(&["physical", &address, "100", "--read-only"]);
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    let info = memory.info().unwrap();
    assert_eq!((info.kind, info.length, info.read_only), (Kind::Physical, 100, true));
    tool.kill();
}

#[test]
fn a_range_can_be_made_read_only() {
    let memory = painted(1, TAG);
    let id = memory.id().unwrap().to_string();
    let (tool, sub) = create(&["sub", &id, "--read-only", "--length", "8"]);
    let sub = client().open_descriptor(sub, Access::ReadWrite).unwrap();
    assert!(sub.info().unwrap().read_only);
    tool.kill();
}

#[test]
fn what_is_refused_is_said() {
    let memory = painted(1, TAG);
    let id = memory.id().unwrap().to_string();
    for (arguments, words) in [
        (vec!["buffer", "0"], "the length is 0"),
        (vec!["buffer", "0x400001", "--contiguous"], "there is never so much together"),
        (vec!["sub", &id, "--offset", "4096"], "the range reaches beyond the descriptor"),
        (vec!["interleaved", &id, "--granularity", "1"], "they are not equally long"),
    ] {
        let (status, text) = run(&[&["--json", "create"], arguments.as_slice()].concat());
        assert_eq!(status, 1, "{arguments:?}");
        assert!(text.contains(words), "{text}");
    }
}
