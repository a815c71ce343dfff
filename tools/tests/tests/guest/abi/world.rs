// SPDX-License-Identifier: MIT OR Apache-2.0

//! Objects on which every call could do its work, and all that it could change.

use std::cell::{OnceCell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use iomd::{Client, Descriptor, DescriptorInfo, Map, MapInfo, Mapping, Task};
use iomd_sys::{IOMD_MAP_INFO, iomd_map_info};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::argument::Memory;
use crate::support::raw::{call, size};
use crate::support::{
    PAGE, buffer, client, dma_buf, objects_of, open_files, paint_through, unique, window,
};

/// Pages of each memory.
pub const PAGES: usize = 4;

const SOURCE: u64 = 0x0100;
const TARGET: u64 = 0x0200;

/// Objects, in a state that each call would change.
pub struct World {
    pub client: Client,
    pub source: Descriptor,
    pub target: Descriptor,
    /// Shows the source.
    pub map: Map,
    /// Shows the source, and is suspended.
    pub suspended: Map,
    /// Shows the source, in the kernel.
    pub in_kernel: Map,
    /// This process.
    pub task: Task,
    /// What only one call takes is made for it.
    memfd: OnceCell<OwnedFd>,
    /// And a descriptor of it.
    dma_buf: OnceCell<(OwnedFd, Descriptor)>,
    windows: [Mapping; 2],
    /// For the arguments of calls that are to be refused.
    pub memory: Memory,
    /// What was there after the last refused call, and so is before the next.
    last: RefCell<Option<Sight>>,
}

/// All that a call can change.
#[derive(Debug, PartialEq, Eq)]
pub struct Sight {
    files: usize,
    objects: Vec<u64>,
    descriptors: [DescriptorInfo; 2],
    maps: [MapInfo; 2],
    /// What of the maps the crate does not tell.
    states: [u32; 2],
    words: [[u64; PAGES]; 2],
}

impl World {
    pub fn new() -> Self {
        let (source, target) = (buffer(PAGES), buffer(PAGES));
        let windows = [window(&source), window(&target)];
        paint_through(&windows[0], SOURCE);
        paint_through(&windows[1], TARGET);
        let (map, suspended) = (unique(&source), unique(&source));
        suspended.suspend().expect("it is unique");
        let in_kernel = source.map().in_kernel(true).create().expect("a map is made");
        let client = client();
        let task = client.own_task().expect("a task opens itself");
        Self {
            client,
            source,
            target,
            map,
            suspended,
            in_kernel,
            task,
            memfd: OnceCell::new(),
            dma_buf: OnceCell::new(),
            windows,
            memory: Memory::new(),
            last: RefCell::new(None),
        }
    }

    /// Where this process has the source.
    pub fn window(&self) -> usize {
        self.windows[0].as_ptr().expose_provenance()
    }

    /// Of one page.
    pub fn memfd(&self) -> BorrowedFd<'_> {
        let make = || {
            let memfd = memfd_create("world", MemfdFlags::CLOEXEC).expect("there is memory");
            ftruncate(&memfd, PAGE as u64).expect("a page is not too long");
            memfd
        };
        self.made(&self.memfd, make).as_fd()
    }

    /// Memory of somebody else. It is imported already: its exporter has mapped it for the kernel
    /// since, and where that fails, the kernel warns, once.
    pub fn dma_buf(&self) -> BorrowedFd<'_> {
        let make = || {
            let dma_buf = dma_buf::of_heap(PAGES);
            let imported = self.client.import_dma_buf(&dma_buf, 0, 0);
            (dma_buf, imported.expect("it is ordinary memory"))
        };
        self.made(&self.dma_buf, make).0.as_fd()
    }

    /// What is there once it was asked for.
    fn made<'a, T>(&self, cell: &'a OnceCell<T>, make: impl FnOnce() -> T) -> &'a T {
        cell.get_or_init(|| {
            self.last.take();
            make()
        })
    }

    /// Asserts that nothing comes of a call that is to be refused.
    #[track_caller]
    pub fn assert_unchanged(&self, what: &str, call: impl FnOnce()) {
        let before = self.last.take().unwrap_or_else(|| self.sight());
        call();
        let after = self.sight();
        assert_eq!(after, before, "{what}: refused, but something changed");
        self.last.replace(Some(after));
    }

    pub fn sight(&self) -> Sight {
        Sight {
            files: open_files(),
            objects: objects_of(&self.client),
            descriptors: [&self.source, &self.target].map(|memory| memory.info().unwrap()),
            maps: [&self.map, &self.suspended].map(|map| map.info().unwrap()),
            states: [&self.map, &self.suspended].map(state),
            words: self
                .windows
                .each_ref()
                .map(|window| std::array::from_fn(|page| window.load_u64(page * PAGE))),
        }
    }
}

fn state(map: &Map) -> u32 {
    let mut info = iomd_map_info { size: size::<iomd_map_info>(), ..Default::default() };
    call(map, IOMD_MAP_INFO, &mut info).unwrap();
    info.state
}
