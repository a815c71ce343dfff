// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies of one moment of memory in use.

use std::ptr;

use anyhow::{Result, ensure};
use rustix::mm::Advice;
use rustix::process::Signal;

use super::Work;
use crate::contest::{Contest, timed};
use crate::region::Region;
use crate::rivals::memfd;
use crate::rivals::process::Process;
use crate::world::World;

pub const WORKS: &[Work] = &[copy];

fn copy(world: &World) -> Result<Contest<'_>> {
    let pages = world.pages;
    let (source, target) = (world.buffer(pages)?, world.buffer(pages)?);
    let map = source.map().unique(true).create()?;
    let region = Region::of(&map, pages)?;

    Ok(Contest::new("atomic copy of touched memory", "page", pages)
        .floor(match world.floor(0, 512)? {
            Some(floor) => {
                let region = Region::of(&floor, pages)?;
                Some(move || {
                    region.write(1);
                    timed(|| floor.copy())
                })
            }
            None => None,
        })
        .iomd(move || {
            let _keep = &map;
            region.write(1);
            timed(|| {
                source.copy_to(&target).run()?;
                Ok(())
            })
        })
        .rival("SIGSTOP and process_vm_readv", Some(0.4), || {
            let region = Region::of(memfd::full(pages)?, pages)?;
            let copy = Region::anonymous(pages)?;
            copy.write(1);
            let process = Process::new(|| {
                region.write(1);
                Ok(())
            })?;
            Ok(move || {
                timed(|| {
                    process.signal(Signal::STOP)?;
                    read_of(&process, &region, &copy)?;
                    process.signal(Signal::CONT)
                })
            })
        })
        .rival("fork, then the writer copies all it writes", None, || {
            let region = Region::anonymous(pages)?;
            region.advise(Advice::LinuxNoHugepage)?;
            region.write(1);
            Ok(move || {
                timed(|| {
                    let _snapshot = Process::new(|| Ok(()))?;
                    region.write(1);
                    Ok(())
                })
            })
        }))
}

/// Copies a region of a process, which has it where this one has it.
fn read_of(process: &Process, region: &Region, copy: &Region) -> Result<()> {
    let vector =
        |region: &Region| libc::iovec { iov_base: region.address(), iov_len: region.length() };
    let (local, remote) = (vector(copy), vector(region));
    let pid = process.pid().as_raw_nonzero().get();
    // SAFETY: the copy is a region of this program, and nothing borrows from it.
    let read = unsafe {
        libc::process_vm_readv(pid, ptr::from_ref(&local), 1, ptr::from_ref(&remote), 1, 0)
    };
    ensure!(usize::try_from(read) == Ok(region.length()), "process_vm_readv: {read}");
    Ok(())
}
