// SPDX-License-Identifier: MIT OR Apache-2.0

//! Objects by their ids.

use std::fmt;

use iomd_sys as sys;
use rustix::io::Errno;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Client, Descriptor, Map, Request, Result};

/// An object's id and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Never given to another object while the module is loaded.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A descriptor: memory that iomd allocated.
    Buffer,
    /// A map.
    Map,
    /// A descriptor: a range of another.
    Sub,
    /// A descriptor: others, one after the other.
    Multi,
    /// A descriptor: some of each of others in turn.
    Interleaved,
    /// A descriptor: pages that nobody can access.
    Guard,
    /// A descriptor: memory of a task.
    AddressRanges,
    /// A descriptor: memory of a file.
    Memfd,
    /// A descriptor: physical memory.
    Physical,
    /// A descriptor: memory of a dma-buf.
    DmaBuf,
    /// A number that this library has no name for.
    Other(u32),
}

impl From<u32> for Kind {
    fn from(number: u32) -> Self {
        match number {
            sys::IOMD_KIND_BUFFER => Self::Buffer,
            sys::IOMD_KIND_MAP => Self::Map,
            sys::IOMD_KIND_SUB => Self::Sub,
            sys::IOMD_KIND_MULTI => Self::Multi,
            sys::IOMD_KIND_INTERLEAVED => Self::Interleaved,
            sys::IOMD_KIND_GUARD => Self::Guard,
            sys::IOMD_KIND_ADDRESS_RANGES => Self::AddressRanges,
            sys::IOMD_KIND_MEMFD => Self::Memfd,
            sys::IOMD_KIND_PHYSICAL => Self::Physical,
            sys::IOMD_KIND_DMA_BUF => Self::DmaBuf,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buffer => f.write_str("buffer"),
            Self::Map => f.write_str("map"),
            Self::Sub => f.write_str("sub"),
            Self::Multi => f.write_str("multi"),
            Self::Interleaved => f.write_str("interleaved"),
            Self::Guard => f.write_str("guard"),
            Self::AddressRanges => f.write_str("ranges"),
            Self::Memfd => f.write_str("memfd"),
            Self::Physical => f.write_str("physical"),
            Self::DmaBuf => f.write_str("dma-buf"),
            Self::Other(number) => write!(f, "object of kind {number}"),
        }
    }
}

/// An object opened by its id.
#[derive(Debug)]
pub enum AnyObject {
    /// A descriptor of any kind.
    Descriptor(Descriptor),
    /// A map.
    Map(Map),
}

/// The rights asked for when a descriptor is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read-only maps and copies from it.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

impl Access {
    /// The flags that ask for it.
    pub(crate) fn flags(self) -> u32 {
        match self {
            Self::ReadOnly => sys::IOMD_OPEN_READ_ONLY,
            Self::ReadWrite => 0,
        }
    }
}

/// All objects, by rising ids; from [`Client::objects`].
#[derive(Debug)]
pub struct Objects<'a> {
    client: &'a Client,
    last: u64,
    ended: bool,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client, last: 0, ended: false }
    }
}

impl Iterator for Objects<'_> {
    type Item = Result<Object>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let argument = sys::iomd_object_next { id: self.last, ..Argument::sized() };
        match call(self.client, argument) {
            Ok(next) => {
                self.last = next.id;
                Some(Ok(Object { id: next.id, kind: next.kind.into() }))
            }
            Err(errno) => {
                self.ended = true;
                (errno != Errno::NOENT).then(|| Err(errno).asked(|| Request::NextObject))
            }
        }
    }
}
