// SPDX-License-Identifier: MIT OR Apache-2.0

//! dma-bufs that the tool takes, and that it makes.

use std::os::fd::AsRawFd;

use iomd::{Access, Kind};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::support::tool::Tool;
use crate::support::{PAGE, client, dma_buf, eventually, objects, painted, unique, window};

const TAG: u64 = 0x0100;

#[test]
fn a_descriptor_is_made_of_a_process_s_dma_buf() {
    let before = objects();
    let of_heap = dma_buf::of_heap(2);
    let region = dma_buf::map(&of_heap, 2);
    region.write(PAGE, TAG);
    let (process, file) = (getpid().to_string(), of_heap.as_raw_fd().to_string());
    let arguments = ["create", "dma-buf", &process, &file, "--offset", "4096"];
    let mut tool = Tool::on_terminal(&arguments, 80, 25);
    let said = tool.until("parts");
    let id = said.split_whitespace().nth(1).and_then(|id| id.parse().ok()).expect("an id");
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    assert_eq!(memory.info().unwrap().kind, Kind::DmaBuf);
    assert_eq!(window(&memory).load_u64(0), TAG);
    drop(memory);
    tool.kill();
    eventually("it goes with the tool", || objects() == before);
    region.unmap().unwrap();
}

#[test]
fn a_dma_buf_is_made_of_a_descriptor_and_of_a_map() {
    let memory = painted(2, TAG);
    let map = unique(&memory);
    let before = objects();
    for id in [memory.id().unwrap(), map.id().unwrap()] {
        let mut tool = Tool::on_terminal(&["export", &id.to_string()], 80, 25);
        let said = tool.until("process ");
        let mut numbers = said.split_whitespace().filter_map(|word| word.parse::<i32>().ok());
        assert_eq!(numbers.next(), Some(id as i32), "{said}");
        let file = numbers.next().expect("a file descriptor");
        let process = pidfd_open(tool.pid(), PidfdFlags::empty()).unwrap();
        let fetched = pidfd_getfd(process, file, PidfdGetfdFlags::empty()).unwrap();
        tool.kill();
        let region = dma_buf::map(&fetched, 2);
        assert_eq!(region.read(PAGE), TAG + 1);
        region.unmap().unwrap();
        drop(fetched);
        eventually("it goes with the dma-buf", || objects() == before);
    }
}
