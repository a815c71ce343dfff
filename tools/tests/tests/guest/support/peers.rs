// SPDX-License-Identifier: MIT OR Apache-2.0

//! Devices that import dma-bufs, and an exporter: the module `iomd_peers`.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use iomd::Errno;
use rustix::system::{delete_module, finit_module};

use super::dma_buf::ioctl;
use super::eventually;
use super::region::last_errno;

const DEVICE: &str = "/dev/iomd_peers";

const fn number(call: u32) -> u32 {
    ((b'p' as u32) << 8) | call
}

/// The module, unloaded when this is dropped.
pub struct Peers(());

/// What an importer does when it is told that memory moves.
#[derive(Debug, Clone, Copy)]
pub enum Importer {
    /// It cannot be told.
    Static = 0,
    /// It unmaps at once.
    Prompt = 1,
    /// It unmaps when it is asked to.
    Lazy = 2,
}

/// What an exporter lacks.
#[derive(Debug, Clone, Copy)]
pub enum Exporter {
    Whole = 0,
    NoVmap = 1,
    NoMmap = 2,
    IoMemory = 3,
    Uncached = 4,
    NoAccess = 5,
}

/// The directions of `enum dma_data_direction`.
#[derive(Debug, Clone, Copy)]
pub enum Direction {
    Both = 0,
    ToDevice = 1,
    FromDevice = 2,
}

impl Peers {
    pub fn load() -> Self {
        let file = File::open("/iomd/iomd_peers.ko").expect("the module is in the guest");
        finit_module(file, c"", 0).expect("the module loads");
        Self(())
    }

    /// A dma-buf of two pages.
    pub fn export(&self, exporter: Exporter) -> OwnedFd {
        let dma_buf = device().call(10, exporter as usize).expect("a dma-buf is made");
        // SAFETY: the call has made it for us.
        unsafe { OwnedFd::from_raw_fd(dma_buf) }
    }

    /// How often accesses of processors to memory that it exports have begun and ended.
    pub fn accesses(&self) -> (i32, i32) {
        (device().call(11, 0).unwrap(), device().call(12, 0).unwrap())
    }

    /// A device that imports a dma-buf.
    #[track_caller]
    pub fn attach(&self, dma_buf: impl AsFd, importer: Importer) -> Device {
        let device = device();
        let mut argument = [dma_buf.as_fd().as_raw_fd(), importer as i32];
        ioctl(&device.0, number(0), &mut argument).expect("a device is attached");
        device
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // A dma-buf goes a little after its last file descriptor.
        eventually("the peers can be unloaded", || {
            delete_module(c"iomd_peers", libc::O_NONBLOCK).is_ok()
        });
    }
}

/// A device.
pub struct Device(File);

fn device() -> Device {
    let file = File::options().read(true).write(true).open(DEVICE);
    Device(file.expect("the peers are loaded"))
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Device {
    fn call(&self, call: u32, argument: usize) -> Result<i32, Errno> {
        // SAFETY: the call takes a number.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), number(call).into(), argument) };
        if result < 0 { Err(last_errno()) } else { Ok(result) }
    }

    pub fn pin(&self) -> Result<(), Errno> {
        self.call(1, 0).map(drop)
    }

    pub fn unpin(&self) {
        self.call(2, 0).unwrap();
    }

    pub fn map(&self, direction: Direction) -> Result<(), Errno> {
        self.call(3, direction as usize).map(drop)
    }

    pub fn unmap(&self) {
        self.call(4, 0).unwrap();
    }

    /// Maps it for the kernel.
    pub fn vmap(&self) -> Result<(), Errno> {
        self.call(5, 0).map(drop)
    }

    pub fn vunmap(&self) {
        self.call(6, 0).unwrap();
    }

    /// A word; `None` if it has nothing mapped.
    pub fn read(&self, offset: usize) -> Option<u64> {
        let mut word = [offset as u64, 0];
        match ioctl(&self.0, number(7), &mut word) {
            Ok(_) => Some(word[1]),
            Err(Errno::NXIO) => None,
            Err(errno) => panic!("{errno}"),
        }
    }

    pub fn write(&self, offset: usize, value: u64) {
        ioctl(&self.0, number(8), &mut [offset as u64, value]).expect("it has it mapped");
    }

    /// How often it was told that memory moves.
    pub fn told(&self) -> i32 {
        self.call(9, 0).unwrap()
    }
}
