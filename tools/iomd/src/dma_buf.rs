// SPDX-License-Identifier: MIT OR Apache-2.0

//! dma-bufs: memory that drivers share through a file.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use iomd_sys as sys;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::{Client, Descriptor, Map, Request, Result};

impl Client {
    /// Makes a descriptor of the memory of a dma-buf: `length` bytes from `offset` on, with the rights of the dma-buf's file descriptor. A length of 0 asks for all of
    /// the rest.
    ///
    /// As with a mapping of the dma-buf itself, accesses are to be put between the two
    /// `DMA_BUF_IOCTL_SYNC`s of it where a device uses the memory meanwhile.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the file is no dma-buf; `ERANGE` if it does not have the range; `EOPNOTSUPP` if what it has is not ordinary memory that processors
    /// may map, or iomd's; `EINTR` if a signal comes while devices are waited for; `ENOMEM`; `EMFILE`;
    /// or what the exporter says.
    pub fn import_dma_buf(
        &self,
        dma_buf: impl AsFd,
        offset: u64,
        length: u64,
    ) -> Result<Descriptor> {
        let dma_buf = dma_buf.as_fd().as_raw_fd();
        let argument = sys::iomd_dma_buf_import { dma_buf, offset, length, ..Argument::sized() };
        let imported = call(self, argument).asked(|| Request::ImportDmaBuf { offset, length })?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(imported.fd) }.into())
    }
}

impl Descriptor {
    /// Makes a dma-buf of this memory, by way of a new map of all of it: a copy that moves the maps
    /// of the memory moves the dma-buf too. It has the rights of this file descriptor.
    ///
    /// # Errors
    ///
    /// As of [`MapBuilder::create`](crate::MapBuilder::create).
    pub fn export_dma_buf(&self) -> Result<OwnedFd> {
        let exported =
            call(self, sys::iomd_dma_buf_export::sized()).asked(|| Request::ExportDmaBuf)?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(exported.fd) })
    }
}

impl Map {
    /// Makes a dma-buf of this map, with the map's rights. It is a handle of the map: a redirect of
    /// the map switches the memory of the dma-buf too, and importers that can be told are told.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the map has ended; `ENOMEM`; `EMFILE`.
    pub fn export_dma_buf(&self) -> Result<OwnedFd> {
        let exported =
            call(self, sys::iomd_map_dma_buf_export::sized()).asked(|| Request::ExportDmaBuf)?;
        // SAFETY: the call has succeeded.
        Ok(unsafe { received(exported.fd) })
    }
}
