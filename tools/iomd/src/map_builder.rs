// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making maps.

use iomd_sys as sys;

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::map::Shape;
use crate::mapping::PAGE;
use crate::{
    CacheMode, Descriptor, Guards, Inheritance, Map, MapFlags, MapOptions, Request, Result,
};

/// A map to be made, from [`Descriptor::map`].
#[derive(Debug, Clone)]
#[must_use = "no map is made until create is called"]
pub struct MapBuilder<'a> {
    descriptor: &'a Descriptor,
    offset: u64,
    length: u64,
    options: MapOptions,
    flags: MapFlags,
    inheritance: Inheritance,
}

impl<'a> MapBuilder<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor) -> Self {
        Self {
            descriptor,
            offset: 0,
            length: 0,
            options: MapOptions::ANYWHERE,
            flags: MapFlags::empty(),
            inheritance: Inheritance::None,
        }
    }

    /// Where the map starts in the descriptor: bytes.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// How long it is: bytes; 0 = to the descriptor's end.
    pub fn length(mut self, length: u64) -> Self {
        self.length = length;
        self
    }

    /// Whether it can never be written through (`kIOMapReadOnly`).
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.options.set(MapOptions::READ_ONLY, read_only);
        self
    }

    /// Whether it may be redirected (`kIOMapUnique`).
    pub fn unique(mut self, unique: bool) -> Self {
        self.options.set(MapOptions::UNIQUE, unique);
        self
    }

    /// How the memory is to be cached. All who show it show it in one mode, which the first chooses;
    /// [`CacheMode::Default`] is whichever it has.
    pub fn cache_mode(mut self, mode: CacheMode) -> Self {
        self.options = self.options.with_cache_mode(mode);
        self
    }

    /// Whether all of its pages are touched when it is mapped, as far as they can be had, so that no
    /// access faults later (`kIOMapPrefault`). None are touched if any are suspended then.
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.options.set(MapOptions::PREFAULT, prefault);
        self
    }

    /// Whether it takes the place of what is mapped at an address, where one is asked for
    /// (`kIOMapOverwrite`).
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.options.set(MapOptions::OVERWRITE, overwrite);
        self
    }

    /// What is kept inaccessible on each side of it where it is mapped. It can be anywhere only then.
    pub fn guards(mut self, guards: Guards) -> Self {
        self.options = self.options.with_guards(guards);
        self
    }

    /// What a forked child gets of a mapping.
    pub fn inheritance(mut self, inheritance: Inheritance) -> Self {
        self.inheritance = inheritance;
        self
    }

    /// Whether the mapping lives on when the map's last file descriptor is closed, as that of a file
    /// does. Otherwise that ends it: who touches it then gets `SIGBUS`.
    pub fn keep(mut self, keep: bool) -> Self {
        self.flags.set(MapFlags::KEEP, keep);
        self
    }

    /// Whether the map is in the kernel's own address space (`map`): then no process can map it, and
    /// its memory is reached by [`mapped_read_u8`](Map::mapped_read_u8) and its like.
    pub fn in_kernel(mut self, in_kernel: bool) -> Self {
        self.flags.set(MapFlags::KERNEL, in_kernel);
        self
    }

    /// Whether nobody can hold its pages: I/O directly to and from them, as with `O_DIRECT`, fails. Then a [`redirect`](Map::redirect) leaves nothing behind that still reaches the old
    /// memory through this map, and to suspend it takes a third of the time.
    pub fn unpinnable(mut self, unpinnable: bool) -> Self {
        self.flags.set(MapFlags::UNPINNABLE, unpinnable);
        self
    }

    /// All options at once.
    pub fn options(mut self, options: MapOptions) -> Self {
        self.options = options;
        self
    }

    /// Makes the map. It is mapped nowhere yet.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the bytes lie in pages that do not follow one another, or an option is unknown;
    /// `EOVERFLOW`, `ERANGE` if the range reaches beyond the descriptor; `EOPNOTSUPP` for an option that this kernel does not
    /// honour; `EACCES` for a writable map of a read-only descriptor; `EBUSY` for one of memory that
    /// is being copied, and where the cache mode would have to change although others show the memory
    /// or somebody holds a page of it; `EMFILE`.
    pub fn create(self) -> Result<Map> {
        let Self { descriptor, offset, length, options, flags, inheritance } = self;
        let argument = sys::iomd_map_create {
            // The flags of this call are the low half of what the features have room for.
            flags: flags.bits() as u32,
            options: options.bits(),
            inheritance: inheritance.number(),
            offset,
            length,
            ..Argument::sized()
        };
        let created = call(descriptor, argument).asked(|| Request::CreateMap {
            offset,
            length,
            options,
            inheritance,
        })?;
        let bytes = u64::from(created.page_offset) + created.length;
        let shape = Shape {
            mapped_size: bytes.next_multiple_of(PAGE as u64),
            options: MapOptions::from_bits_retain(created.options),
        };
        // SAFETY: the call has succeeded.
        Ok(Map::new(unsafe { received(created.fd) }, shape))
    }
}
