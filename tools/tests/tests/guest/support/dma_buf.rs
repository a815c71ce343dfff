// SPDX-License-Identifier: MIT OR Apache-2.0

//! dma-bufs of the kernel's own exporters.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use iomd::Errno;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags};

use super::region::last_errno;
use super::{PAGE, Region};

/// `DMA_BUF_SYNC_*`
pub const SYNC_READ: u64 = 1;
pub const SYNC_WRITE: u64 = 2;
pub const SYNC_END: u64 = 4;

/// ioctl(2) with a structure; what it returns.
pub fn ioctl<T>(file: impl AsFd, number: u32, argument: &mut T) -> Result<i32, Errno> {
    // SAFETY: the number is one of a call that takes such a structure.
    let result = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), number.into(), argument) };
    if result < 0 { Err(last_errno()) } else { Ok(result) }
}

/// A dma-buf of a memfd's memory (udmabuf).
pub fn of_memfd(pages: usize) -> OwnedFd {
    #[repr(C)]
    struct UdmabufCreate {
        memfd: u32,
        flags: u32,
        offset: u64,
        size: u64,
    }
    const UDMABUF_CREATE: u32 = 0x4018_7542;

    let size = (pages * PAGE) as u64;
    let memfd = memfd_create(c"dma-buf", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&memfd, size).unwrap();
    fcntl_add_seals(&memfd, SealFlags::SHRINK).unwrap();
    let mut create = UdmabufCreate { memfd: memfd.as_raw_fd() as u32, flags: 1, offset: 0, size };
    let device = File::open("/dev/udmabuf").expect("the kernel has udmabuf");
    let dma_buf = ioctl(device, UDMABUF_CREATE, &mut create).expect("a dma-buf is made");
    // SAFETY: the call has made it for us.
    unsafe { OwnedFd::from_raw_fd(dma_buf) }
}

/// A dma-buf of memory from the kernel's system heap.
pub fn of_heap(pages: usize) -> OwnedFd {
    allocate(pages, libc::O_RDWR)
}

/// As [`of_heap`], for reading only.
pub fn read_only(pages: usize) -> OwnedFd {
    allocate(pages, libc::O_RDONLY)
}

fn allocate(pages: usize, mode: i32) -> OwnedFd {
    #[repr(C)]
    struct Allocation {
        len: u64,
        fd: u32,
        fd_flags: u32,
        heap_flags: u64,
    }
    const DMA_HEAP_IOCTL_ALLOC: u32 = 0xc018_4800;

    let fd_flags = (mode | libc::O_CLOEXEC) as u32;
    let mut allocation = Allocation { len: (pages * PAGE) as u64, fd: 0, fd_flags, heap_flags: 0 };
    let heap = File::open("/dev/dma_heap/system").expect("the kernel has a system heap");
    ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &mut allocation).expect("a dma-buf is made");
    // SAFETY: the call has made it for us.
    unsafe { OwnedFd::from_raw_fd(allocation.fd as i32) }
}

/// The beginning or end of accesses of processors (`DMA_BUF_IOCTL_SYNC`).
pub fn sync(dma_buf: impl AsFd, mut flags: u64) -> Result<(), Errno> {
    const DMA_BUF_IOCTL_SYNC: u32 = 0x4008_6200;

    ioctl(dma_buf, DMA_BUF_IOCTL_SYNC, &mut flags).map(drop)
}

/// mmap(2) of a dma-buf, from its start on.
pub fn map(dma_buf: impl AsFd, pages: usize) -> Region {
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    Region::map(dma_buf, 0, pages * PAGE, rights, MapFlags::SHARED).expect("it can be mapped")
}

/// How many dma-bufs there are in the system.
pub fn count() -> usize {
    let info = fs::read_to_string("/sys/kernel/debug/dma_buf/bufinfo").expect("debugfs is mounted");
    let total = info.lines().rev().find_map(|line| line.strip_prefix("Total ")?.split_once(" obj"));
    total.expect("the last line tells").0.parse().expect("a number")
}

/// Work of a device, which is done when it is said to be (`sw_sync`).
pub struct Timeline(File);

impl Timeline {
    pub fn new() -> Self {
        let path = "/sys/kernel/debug/sync/sw_sync";
        Self(File::options().read(true).write(true).open(path).expect("the kernel has sw_sync"))
    }

    /// A fence that stands for it.
    pub fn fence(&self) -> OwnedFd {
        #[repr(C)]
        struct CreateFence {
            value: u32,
            name: [u8; 32],
            fence: i32,
        }
        const SW_SYNC_IOC_CREATE_FENCE: u32 = 0xc028_5700;

        let mut create = CreateFence { value: 1, name: [0; 32], fence: -1 };
        ioctl(&self.0, SW_SYNC_IOC_CREATE_FENCE, &mut create).expect("a fence is made");
        // SAFETY: the call has made it for us.
        unsafe { OwnedFd::from_raw_fd(create.fence) }
    }

    /// It is done.
    pub fn advance(&self) {
        const SW_SYNC_IOC_INC: u32 = 0x4004_5701;

        ioctl(&self.0, SW_SYNC_IOC_INC, &mut 1_u32).expect("it can be done");
    }
}

/// Makes a fence one of a dma-buf's: somebody writes the memory until it is signalled.
pub fn add_fence(dma_buf: impl AsFd, fence: OwnedFd) {
    #[repr(C)]
    struct ImportSyncFile {
        flags: u32,
        fd: i32,
    }
    const DMA_BUF_IOCTL_IMPORT_SYNC_FILE: u32 = 0x4008_6203;

    let mut import = ImportSyncFile { flags: SYNC_WRITE as u32, fd: fence.as_raw_fd() };
    ioctl(dma_buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &mut import).expect("it takes the fence");
}
