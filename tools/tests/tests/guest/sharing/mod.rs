// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings that a task has already: which of them serve a request, the objects that are made for them,
//! and what becomes of those.

mod gone;
mod races;
mod records;
mod rule;
mod sub_maps;

use std::os::unix::process::CommandExt;
use std::process::Command;

use iomd::{Descriptor, Errno, Map, MapInTaskBuilder, Task};
use rustix::mm::MprotectFlags;

use crate::support::{Channel, Child, PAGE, Region, client, painted};

const TAG: u64 = 0x0100;

/// Bytes of a page, as the calls have them.
const P: u64 = PAGE as u64;

const READ: u64 = 0;
const UNMAP: u64 = 1;
const FILL: u64 = 2;
const PROTECT: u64 = 3;
const EXEC: u64 = 4;
/// And as many more as pages are moved.
const MOVE: u64 = 5;

/// A process that has things mapped, and does with a page of them what it is told.
struct Target {
    child: Child,
    task: Task,
}

impl Target {
    fn new() -> Self {
        let child = Child::fork(|parent| {
            parent.send(client().own_task().expect("a task opens itself"));
            serve(parent);
        });
        let task = child.receive();
        Self { child, task }
    }

    fn pid(&self) -> i32 {
        self.child.pid().as_raw_nonzero().get()
    }

    /// The word at an address.
    #[track_caller]
    fn read(&self, address: u64) -> u64 {
        self.ask(READ, address)
    }

    #[track_caller]
    fn unmap(&self, address: u64) {
        self.ask(UNMAP, address);
    }

    /// Maps memory of its own there.
    #[track_caller]
    fn fill(&self, address: u64) {
        self.ask(FILL, address);
    }

    /// Makes it read-only there.
    #[track_caller]
    fn protect(&self, address: u64) {
        self.ask(PROTECT, address);
    }

    /// Moves so many pages elsewhere; says where.
    #[track_caller]
    fn move_pages(&self, address: u64, pages: u64) -> u64 {
        self.ask(MOVE + pages, address)
    }

    #[track_caller]
    fn ask(&self, what: u64, address: u64) -> u64 {
        self.begin(what, address);
        self.child.hear()
    }

    fn begin(&self, what: u64, address: u64) {
        self.child.say(what);
        self.child.say(address);
    }
}

fn serve(parent: &Channel) {
    while let Some(what) = parent.listen() {
        let page = Region::at(parent.hear() as usize, PAGE);
        match what {
            READ => {
                parent.say(page.read(0));
                continue;
            }
            UNMAP => page.unmap().unwrap(),
            FILL => page.fill().unwrap(),
            PROTECT => page.protect(MprotectFlags::READ).unwrap(),
            EXEC => panic!("{}", Command::new("sleep").arg("1000000").exec()),
            pages => {
                let length = (pages - MOVE) as usize * PAGE;
                parent.say(Region::at(page.address(), length).moved().address() as u64);
                continue;
            }
        }
        parent.say(0);
    }
}

/// Memory of eight pages, and a task that has the middle four.
struct Shared {
    memory: Descriptor,
    target: Target,
    map: Map,
    address: u64,
}

impl Shared {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(build: impl FnOnce(MapInTaskBuilder<'_>) -> MapInTaskBuilder<'_>) -> Self {
        let memory = painted(8, TAG);
        let target = Target::new();
        let builder = memory.map_in_task(&target.task).offset(2 * P).length(4 * P);
        let map = build(builder).create().expect("it is mapped");
        let address = place(&map);
        Self { memory, target, map, address }
    }

    /// What is found for another request for the same, or for what is made of it.
    fn find(
        &self,
        build: impl FnOnce(MapInTaskBuilder<'_>) -> MapInTaskBuilder<'_>,
    ) -> Result<Map, Errno> {
        let builder = self.memory.map_in_task(&self.target.task).offset(2 * P).length(4 * P);
        build(builder).reference(true).create().map_err(|error| error.errno())
    }

    /// What is found for so many pages from that one of the memory on.
    fn find_pages(&self, first: u64, pages: u64) -> Result<Map, Errno> {
        self.find(|builder| builder.offset(first * P).length(pages * P))
    }

    /// Asserts that the map is found, itself.
    #[track_caller]
    fn assert_found(&self, build: impl FnOnce(MapInTaskBuilder<'_>) -> MapInTaskBuilder<'_>) {
        assert_eq!(self.find(build).map(|map| id(&map)), Ok(id(&self.map)));
    }

    #[track_caller]
    fn assert_missed(&self, build: impl FnOnce(MapInTaskBuilder<'_>) -> MapInTaskBuilder<'_>) {
        assert_eq!(self.find(build).map(|map| id(&map)), Err(Errno::NOENT));
    }
}

fn id(map: &Map) -> u64 {
    map.id().expect("a map tells about itself")
}

/// Where it is.
#[track_caller]
fn place(map: &Map) -> u64 {
    map.info().expect("a map tells about itself").address.expect("it is mapped")
}
