// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses that the kernel may make wait.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::slice;
use std::sync::atomic::AtomicU32;

use iomd::Errno;
use rustix::event::Timespec;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::retry_on_intr;
use rustix::pipe::pipe;
use rustix::process::getpid;
use rustix::thread::futex;

use super::NEW;
use crate::support::Region;
use crate::support::region::last_errno;
use crate::support::uring::Ring;

/// What those write that write.
pub const WRITTEN: u64 = 0x5772;

/// An access to a region's first word.
pub struct Access {
    pub name: &'static str,
    pub effect: Effect,
    /// The state of the process while it waits: of the worker, if one waits in its place, nothing is
    /// known.
    pub state: char,
    /// Makes the access; the word read or written.
    pub run: fn(Region) -> Result<u64, Errno>,
}

#[derive(Clone, Copy)]
pub enum Effect {
    Reads,
    Writes,
}

const fn reads(name: &'static str, run: fn(Region) -> Result<u64, Errno>) -> Access {
    Access { name, effect: Effect::Reads, state: 'D', run }
}

const fn writes(name: &'static str, run: fn(Region) -> Result<u64, Errno>) -> Access {
    Access { name, effect: Effect::Writes, state: 'D', run }
}

pub const ACCESSES: [Access; 9] = [
    writes("read(2) from a pipe", |region| {
        let (reader, mut writer) = full_pipe();
        writer.write_all(&WRITTEN.to_ne_bytes()).expect("the pipe has room");
        read_into(reader, region)
    }),
    writes("read(2) from a file", |region| read_into(file(), region)),
    reads("write(2) to a pipe", |region| {
        let (mut reader, writer) = full_pipe();
        write_from(writer, region)?;
        Ok(word_of(&mut reader))
    }),
    reads("write(2) to a file", |region| {
        let mut file = file();
        write_from(&file, region)?;
        file.rewind().expect("a file has a beginning");
        Ok(word_of(&mut file))
    }),
    reads("process_vm_readv(2)", |region| {
        let mut word: u64 = 0;
        copy_own_memory(libc::process_vm_readv, (&raw mut word).expose_provenance(), region)?;
        Ok(word)
    }),
    writes("process_vm_writev(2)", |region| {
        let word = WRITTEN;
        copy_own_memory(libc::process_vm_writev, (&raw const word).expose_provenance(), region)?;
        Ok(WRITTEN)
    }),
    reads("futex(2), private", |region| {
        // SAFETY: a region's words are nobody's, and aligned.
        let word = unsafe { AtomicU32::from_ptr(region.as_ptr().cast()) };
        let now = Timespec::default();
        match futex::wait(word, futex::Flags::PRIVATE, NEW as u32, Some(&now)) {
            // The word is as expected, and nobody has woken us in no time, or before the signal that
            // is pending.
            Err(Errno::TIMEDOUT | Errno::INTR) => Ok(NEW),
            Err(Errno::AGAIN) => Ok(0),
            outcome => outcome.map(|()| 0),
        }
    }),
    writes("io_uring, fixed buffer", |region| {
        let mut ring = Ring::new();
        ring.register(region)?;
        ring.read_fixed(file(), region)?;
        Ok(WRITTEN)
    }),
    Access {
        name: "io_uring, worker",
        effect: Effect::Writes,
        state: 'S',
        run: |region| Ring::new().read_in_worker(file(), region).map(|_| WRITTEN),
    },
];

fn full_pipe() -> (File, File) {
    let (reader, writer): (OwnedFd, OwnedFd) = pipe().expect("a pipe is made");
    (reader.into(), writer.into())
}

/// A file that begins with the word to be written.
fn file() -> File {
    let file = memfd_create("file", MemfdFlags::CLOEXEC).expect("a file is made");
    let mut file = File::from(file);
    file.write_all(&WRITTEN.to_ne_bytes()).expect("the file has room");
    file.rewind().expect("a file has a beginning");
    file
}

fn word_of(file: &mut File) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).expect("the word is there");
    u64::from_ne_bytes(bytes)
}

fn read_into(file: impl AsFd, region: Region) -> Result<u64, Errno> {
    // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
    let word = unsafe { slice::from_raw_parts_mut(region.as_ptr().cast::<u8>(), 8) };
    assert_eq!(retry_on_intr(|| rustix::io::read(&file, &mut *word))?, 8);
    Ok(WRITTEN)
}

fn write_from(file: impl AsFd, region: Region) -> Result<(), Errno> {
    // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
    let word = unsafe { slice::from_raw_parts(region.as_ptr().cast::<u8>(), 8) };
    assert_eq!(retry_on_intr(|| rustix::io::write(&file, word))?, 8);
    Ok(())
}

type CopyMemory = unsafe extern "C" fn(
    libc::pid_t,
    *const libc::iovec,
    libc::c_ulong,
    *const libc::iovec,
    libc::c_ulong,
    libc::c_ulong,
) -> isize;

/// Copies a word between an address and a region, both of this process.
fn copy_own_memory(copy: CopyMemory, address: usize, region: Region) -> Result<(), Errno> {
    let own = getpid().as_raw_nonzero().get();
    let part = |address| libc::iovec {
        iov_base: std::ptr::with_exposed_provenance_mut(address),
        iov_len: size_of::<u64>(),
    };
    let (local, remote) = (part(address), part(region.address()));
    // SAFETY: at the address is a word of the caller's, and a region is nobody's.
    match unsafe { copy(own, &local, 1, &remote, 1, 0) } {
        8 => Ok(()),
        _ => Err(last_errno()),
    }
}
