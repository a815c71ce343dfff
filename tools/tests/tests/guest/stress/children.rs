// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a process has its children do, since it can end with their death.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use iomd::IfAbandoned;
use rustix::process::Signal;

use super::history::{Change, Outcome};
use super::process::Process;
use super::round::{ALL, World};
use super::{Cell, MAPS, MORTAL};
use crate::support::{Child, End, PAGE};

/// How the child's life goes on after it has touched all pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Exits,
    Executes,
    IsKilled,
}

impl Process<'_> {
    /// A child reads and writes all pages of a part, those too that come to an end, unless it is
    /// killed first.
    pub fn touch_in_child(&mut self) {
        let Some(index) = self.any_part() else { return };
        let part = self.parts[index].clone();
        let (world, offset, word) = (self.world, self.children.offset, self.next_word());
        let then = [Then::Exits, Then::Executes, Then::IsKilled][self.random.usize(..3)];
        let began = world.history.now();
        let child = Child::fork(|parent| {
            if then == Then::IsKilled {
                parent.say(0);
            }
            for page in part.pages.clone() {
                let began = world.history.now();
                let found = part.region.read(part.word(page, 0));
                let cells = world.reached(part.map, page, began..world.history.now());
                assert!(cells.may_begin_with(found), "page {page} has {found:#x}");
                if part.writable {
                    part.region.write(part.word(page, offset), word);
                }
            }
            match then {
                Then::Executes => panic!("{}", Command::new("/bin/true").exec()),
                Then::IsKilled => drop(parent.listen()),
                Then::Exits => {}
            }
        });
        if then == Then::IsKilled {
            self.await_start(&child);
            child.signal(Signal::KILL);
        }
        let end = child.end();
        let ended = world.history.now();
        match end {
            End::Exited(0) => assert!(then != Then::IsKilled),
            End::Killed(Signal::KILL) => assert!(then == Then::IsKilled),
            End::Killed(Signal::BUS) => {
                assert!(part.map == MORTAL && world.history.may_have_ended(MORTAL, ended));
            }
            end => panic!("a child that touched {part:?} has {end:?}"),
        }
        if part.writable {
            for page in part.pages {
                let cells = world.history.reachable(part.map, page, began..ended);
                self.children.words.written(cells, word, end == End::Exited(0));
            }
        }
    }

    /// A child writes where this process may not, and dies.
    pub fn write_in_vain(&mut self) {
        let read_only = self.parts.iter().find(|part| !part.writable).cloned();
        if let Some(part) = read_only {
            let child = Child::fork(|_| part.region.write(0, 0));
            assert_eq!(child.end(), End::Killed(Signal::SEGV));
        }
    }

    /// A child is killed in the middle of a redirect, or of a suspension that it owns.
    pub fn kill_a_controller(&mut self) {
        let world = self.world;
        let map = self.random.usize(..MAPS);
        let (memory, first) = World::place(&mut self.random);
        let suspends = self.random.bool();
        let change =
            if suspends { Change::Suspends } else { Change::Shows(Cell::of(memory, first)) };
        let begun = world.history.begin(map, ALL, change);
        let child = Child::fork(|parent| {
            if suspends {
                let owner = world.maps[map].reopen().expect("there is room for a file");
                parent.say(0);
                owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().expect("it is unique");
                parent.listen();
            } else {
                parent.say(0);
                let (map, target) = (&world.maps[map], &world.memories[memory]);
                map.redirect(target).offset((first * PAGE) as u64).run().expect("it is unique");
                parent.listen();
            }
        });
        self.await_start(&child);
        let resumed = world.history.begin(map, ALL, Change::Resumes);
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
        world.history.end(resumed, Outcome::Unknown);
        world.history.end(begun, Outcome::Unknown);
    }

    /// Waits until a child is in the middle of something, in which it can then be anywhere.
    fn await_start(&mut self, child: &Child) {
        child.hear();
        for _ in 0..self.random.u32(..8) {
            thread::yield_now();
        }
    }
}
