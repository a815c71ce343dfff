// SPDX-License-Identifier: GPL-2.0

//! Objects by their ids: for root, who may look at all.

use super::{
    argument::Argument,
    check_flags, check_padding,
    handle::{DescriptorFile, MapFile, StaticMapFile},
};
use crate::{
    abi::{iomd_object_next, iomd_object_open, IOMD_KIND_MAP, IOMD_OPEN_READ_ONLY},
    descriptor::Descriptor,
    map::{static_map::StaticMap, Map},
    os::{file::Access, user},
};
use kernel::{prelude::*, uaccess::UserPtr};

/// Serves `IOMD_OBJECT_NEXT`.
pub(super) fn next(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_object_next>::read_to_answer(argument)?;
    let next = &mut argument.value;

    if !user::may_administer() {
        return Err(EPERM);
    }
    check_flags(next.flags, 0)?;
    check_padding(next.padding)?;
    let descriptor =
        Descriptor::next(next.id).map(|descriptor| (descriptor.id(), descriptor.kind().number));
    let map = Map::next_id(next.id).map(|id| (id, IOMD_KIND_MAP));
    let static_map = StaticMap::next_id(next.id).map(|id| (id, IOMD_KIND_MAP));
    let nearest = [descriptor, map, static_map].into_iter().flatten().min();
    (next.id, next.kind) = nearest.ok_or(ENOENT)?;
    argument.answer()
}

/// Serves `IOMD_OBJECT_OPEN`.
pub(super) fn open(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_object_open>::read_to_answer(argument)?;
    let open = &mut argument.value;

    if !user::may_administer() {
        return Err(EPERM);
    }
    check_flags(open.flags, IOMD_OPEN_READ_ONLY)?;
    let read_only = open.flags & IOMD_OPEN_READ_ONLY != 0;
    let file = match Descriptor::by_id(open.id) {
        Ok(descriptor) => {
            let access = if read_only {
                Access::Read
            } else {
                Access::ReadWrite
            };
            open.kind = descriptor.kind().number;
            DescriptorFile::open(descriptor, access)?
        }
        Err(_) => {
            let map = Map::by_id(open.id).map(MapFile::open);
            let file = map.or_else(|_| StaticMap::by_id(open.id).map(StaticMapFile::open))?;
            if read_only {
                return Err(EINVAL);
            }
            open.kind = IOMD_KIND_MAP;
            file?
        }
    };
    argument.answer_with_file(file, |open, fd| open.fd = fd)
}
