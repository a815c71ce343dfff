// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every kind of memory does what memory does: it is mapped, in whole and in part, switched to and
//! from, suspended, copied, and lives as long as somebody has it.

mod bytes;
mod closes;
mod copies;
mod guards;
mod infos;
mod levels;
mod maps;
mod refusals;
mod states;
mod switches;

use std::os::fd::OwnedFd;

use iomd::{Access, Descriptor, Direction};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use crate::foreign;
use crate::support::{PAGE, buffer, client, dma_buf, paint, painted};

/// Pages of each sample.
pub const PAGES: usize = 8;

/// Memory of some kind: of [`PAGES`] whole pages.
pub struct Sample {
    pub memory: Descriptor,
    /// The descriptors that it is made of, however deep.
    pub below: Vec<Descriptor>,
}

/// A kind, and how to get memory of it whose pages begin with a tag plus their numbers.
pub struct Kind {
    pub name: &'static str,
    pub painted: fn(tag: u64) -> Sample,
}

/// All of them. One more is a line here.
pub const KINDS: [Kind; 10] = [
    Kind { name: "buffer", painted: |tag| Sample::alone(painted(PAGES, tag)) },
    Kind { name: "sparse buffer", painted: sparse },
    Kind { name: "sub", painted: sub },
    Kind { name: "multi", painted: multi },
    Kind { name: "interleaved", painted: interleaved },
    Kind { name: "address ranges", painted: ranges },
    Kind { name: "memfd", painted: memfd },
    Kind { name: "dma-buf of a memfd", painted: |tag| imported(dma_buf::of_memfd(PAGES), tag) },
    Kind { name: "dma-buf of a heap", painted: |tag| imported(dma_buf::of_heap(PAGES), tag) },
    Kind { name: "sub of a multi of an interleaved", painted: nested },
];

impl Sample {
    /// Memory of its own.
    pub fn alone(memory: Descriptor) -> Self {
        Self { memory, below: Vec::new() }
    }

    /// Memory that can be written, and is painted now.
    pub fn made_of(memory: Descriptor, below: Vec<Descriptor>, tag: u64) -> Self {
        paint(&memory, tag);
        Self { memory, below }
    }
}

/// Bytes of so many pages.
pub fn bytes_of(pages: usize) -> u64 {
    (pages * PAGE) as u64
}

fn sparse(tag: u64) -> Sample {
    Sample::made_of(client().sparse_buffer(bytes_of(PAGES)).unwrap(), vec![], tag)
}

fn imported(dma_buf: OwnedFd, tag: u64) -> Sample {
    let memory = client().import_dma_buf(dma_buf, 0, 0).unwrap();
    Sample::made_of(memory, vec![], tag)
}

/// Memory of this process, which has it no longer.
fn ranges(tag: u64) -> Sample {
    let parts = [foreign::memory(3), foreign::memory(PAGES - 3)];
    let memory =
        client().address_ranges(&foreign::own_task(), &parts.map(foreign::range), Direction::InOut);
    let memory = memory.unwrap();
    memory.prepare(None).unwrap();
    parts.iter().for_each(|part| part.unmap().unwrap());
    Sample::made_of(memory, vec![], tag)
}

fn memfd(tag: u64) -> Sample {
    let file = memfd_create("sample", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, bytes_of(PAGES)).unwrap();
    let memory = client().import_memfd(file, 0, bytes_of(PAGES), Direction::InOut).unwrap();
    Sample::made_of(memory, vec![], tag)
}

fn sub(tag: u64) -> Sample {
    let parent = buffer(PAGES + 3);
    let sub = parent.sub(bytes_of(2), bytes_of(PAGES), Access::ReadWrite).unwrap();
    Sample::made_of(sub, vec![parent], tag)
}

fn multi(tag: u64) -> Sample {
    let parts = [3, 1, PAGES - 4].map(buffer);
    let multi = client().multi(&parts.each_ref()).unwrap();
    Sample::made_of(multi, parts.into(), tag)
}

fn interleaved(tag: u64) -> Sample {
    let parts = [buffer(PAGES / 2), client().sparse_buffer(bytes_of(PAGES / 2)).unwrap()];
    let interleaved = client().interleaved(&parts.each_ref(), bytes_of(1)).unwrap();
    Sample::made_of(interleaved, parts.into(), tag)
}

fn nested(tag: u64) -> Sample {
    let halves = [buffer(4), buffer(4)];
    let interleaved = client().interleaved(&halves.each_ref(), bytes_of(2)).unwrap();
    let (before, after) = (buffer(2), buffer(3));
    let multi = client().multi(&[&before, &interleaved, &after]).unwrap();
    let sub = multi.sub(bytes_of(1), bytes_of(PAGES), Access::ReadWrite).unwrap();
    let [one, other] = halves;
    // Of the last nothing is in it.
    drop(after);
    Sample::made_of(sub, vec![one, other, before, interleaved, multi], tag)
}
