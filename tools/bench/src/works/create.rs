// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that comes and goes.

use anyhow::Result;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::Work;
use crate::contest::{Contest, timed};
use crate::rivals::memfd;
use crate::world::{World, bytes};

pub const WORKS: &[Work] = &[create];

/// How many times it is done in a round.
const OFTEN: usize = 200;
const PAGES: usize = 16;

fn create(world: &World) -> Result<Contest<'_>> {
    Ok(Contest::new("create, map, unmap and close 16 untouched pages", "time", OFTEN)
        .iomd(move || {
            timed(|| {
                for _ in 0..OFTEN {
                    let buffer = world.client.sparse_buffer(bytes(PAGES))?;
                    drop(buffer.map().create()?.mmap()?);
                }
                Ok(())
            })
        })
        .rival("mmap of /dev/iomd, unmap", None, || {
            Ok(move || {
                timed(|| {
                    for _ in 0..OFTEN {
                        drop(world.client.map_fresh(bytes(PAGES) as usize)?);
                    }
                    Ok(())
                })
            })
        })
        .rival("memfd", Some(1.0), || {
            Ok(move || {
                timed(|| {
                    for _ in 0..OFTEN {
                        let file = memfd::empty(PAGES)?;
                        let length = bytes(PAGES) as usize;
                        // SAFETY: the mapping is new.
                        let start = unsafe {
                            let rights = ProtFlags::READ | ProtFlags::WRITE;
                            mmap(std::ptr::null_mut(), length, rights, MapFlags::SHARED, &file, 0)?
                        };
                        // SAFETY: nothing borrows from it.
                        unsafe { munmap(start, length)? };
                    }
                    Ok(())
                })
            })
        }))
}
