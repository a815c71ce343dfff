// SPDX-License-Identifier: MIT OR Apache-2.0

//! A process that uses a map.

use std::ops::Deref;

use iomd::Map;

use super::{Channel, Child, Region};

const READ: u64 = 0;
const WRITE: u64 = 1;

/// A process that has a map mapped, holds no file descriptor of it, and reads and writes as told.
pub struct User(Child);

impl User {
    pub fn of(map: &Map) -> Self {
        Self::with(|| map.mmap().expect("the map is mapped").into())
    }

    /// One that gets its memory in another way.
    pub fn with(region: impl FnOnce() -> Region) -> Self {
        let child = Child::fork(|channel| {
            let region = region();
            channel.close_all_others();
            channel.say(region.address() as u64);
            serve(region, channel)
        });
        child.hear();
        Self(child)
    }

    /// Begins to read a word, and does not wait for it.
    pub fn begin_read(&self, offset: usize) {
        self.say(READ);
        self.say(offset as u64);
    }

    /// Begins to write a word, and does not wait for that.
    pub fn begin_write(&self, offset: usize, value: u64) {
        self.say(WRITE);
        self.say(offset as u64);
        self.say(value);
    }

    /// Waits until what was begun is done. The word read, or the one written.
    #[track_caller]
    pub fn finish(&self) -> u64 {
        self.hear()
    }

    #[track_caller]
    pub fn read(&self, offset: usize) -> u64 {
        self.begin_read(offset);
        self.finish()
    }

    #[track_caller]
    pub fn write(&self, offset: usize, value: u64) {
        self.begin_write(offset, value);
        self.finish();
    }

    pub fn into_child(self) -> Child {
        self.0
    }
}

impl Deref for User {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

fn serve(region: Region, channel: &Channel) {
    while let Some(command) = channel.listen() {
        let offset = channel.hear() as usize;
        let word = match command {
            READ => region.read(offset),
            _ => {
                let word = channel.hear();
                region.write(offset, word);
                word
            }
        };
        channel.say(word);
    }
}
