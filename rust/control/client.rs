// SPDX-License-Identifier: GPL-2.0

//! Calls on a client, which is an open /dev/iomd.

use super::{
    argument::{self, Argument},
    bit, cache_modes, check_flags, check_padding, composite,
    descriptor::MAP_FLAGS,
    dma_buf, foreign,
    handle::{DescriptorFile, MapFile, StaticMapFile},
    remap,
    task::TaskFile,
};
use crate::{
    abi::{
        iomd_batch_entry, iomd_buffer_create, iomd_features, iomd_object_next, iomd_object_open,
        iomd_redirect_batch, iomd_task_open, IOMD_ADDRESS_RANGES_CREATE, IOMD_BATCH_MAX,
        IOMD_BUFFER_CONTIGUOUS, IOMD_BUFFER_CREATE, IOMD_BUFFER_GUARDED, IOMD_BUFFER_LARGE,
        IOMD_BUFFER_LAZY_COPY, IOMD_BUFFER_SPARSE, IOMD_COMPLETE, IOMD_COPY,
        IOMD_COPY_REFUSE_PINNED, IOMD_COPY_RESUME_ON_TARGET, IOMD_DESCRIPTOR_INFO,
        IOMD_DESCRIPTOR_REOPEN, IOMD_DESCRIPTOR_RESUME, IOMD_DESCRIPTOR_SUSPEND,
        IOMD_DMA_BUF_EXPORT, IOMD_DMA_BUF_IMPORT, IOMD_FEATURES, IOMD_FLUSH_PROCESSOR_CACHE,
        IOMD_GUARD_CREATE, IOMD_INTERLEAVED_CREATE, IOMD_INTO_TASK_FIXED, IOMD_INTO_TASK_READ_ONLY,
        IOMD_KIND_MAP, IOMD_MAPPED_READ, IOMD_MAPPED_WRITE, IOMD_MAP_CREATE,
        IOMD_MAP_DMA_BUF_EXPORT, IOMD_MAP_EXISTING, IOMD_MAP_INFO, IOMD_MAP_INTO_TASK,
        IOMD_MAP_REOPEN, IOMD_MAP_SEAL, IOMD_MAP_SEGMENT, IOMD_MAP_WIRE, IOMD_MEMFD_IMPORT,
        IOMD_MULTI_CREATE, IOMD_OBJECT_NEXT, IOMD_OBJECT_OPEN, IOMD_OPEN_READ_ONLY,
        IOMD_PAGE_COUNTS, IOMD_PERFORM_OPERATION, IOMD_PHYSICAL_CREATE, IOMD_PREPARE,
        IOMD_READ_BYTES, IOMD_REDIRECT, IOMD_REDIRECT_ABANDONED_RESUME,
        IOMD_REDIRECT_ABANDONED_SIGBUS, IOMD_REDIRECT_BATCH, IOMD_REDIRECT_REFUSE_PINNED,
        IOMD_REMAP, IOMD_RESUME, IOMD_SET_LENGTH, IOMD_SET_PURGEABLE, IOMD_SET_TAG,
        IOMD_SUB_CREATE, IOMD_SUB_READ_ONLY, IOMD_SUSPEND, IOMD_TASK_INFO, IOMD_TASK_OPEN,
        IOMD_UNMAP, IOMD_WRITE_BYTES,
    },
    descriptor::{
        buffer::{Layout, Supply},
        prepared::Purpose,
        Descriptor,
    },
    map::{batch::Batch, static_map::StaticMap, view, Inheritance, Map, Request},
    os::{
        file::{self, Access},
        mutex::{new_killable_mutex, KillableMutex},
        user,
        vma::Place,
    },
    pure::{
        options::{Options, HONOURED},
        range::PAGE_SIZE,
    },
    task::Task,
};
use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceRegistration},
    mm::virt::VmaNew,
    prelude::*,
    uaccess::UserPtr,
};

/// The flags of a buffer.
const BUFFER_FLAGS: u32 = IOMD_BUFFER_SPARSE
    | IOMD_BUFFER_LARGE
    | IOMD_BUFFER_CONTIGUOUS
    | IOMD_BUFFER_GUARDED
    | IOMD_BUFFER_LAZY_COPY;

/// A client has nothing of its own but the right to lock several maps.
#[pin_data]
pub(crate) struct Client {
    #[pin]
    batching: KillableMutex<()>,
}

#[vtable]
impl MiscDevice for Client {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _device: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                batching <- new_killable_mutex!((), "iomd_batching"),
            }),
            GFP_KERNEL,
        )
    }

    fn ioctl(client: Pin<&Self>, _file: &File, command: u32, argument: usize) -> Result<isize> {
        let argument = UserPtr::from_addr(argument);

        match command {
            IOMD_FEATURES => features(argument),
            IOMD_BUFFER_CREATE => buffer_create(argument),
            IOMD_OBJECT_NEXT => object_next(argument),
            IOMD_OBJECT_OPEN => object_open(argument),
            IOMD_REDIRECT_BATCH => redirect_batch(&client, argument),
            IOMD_TASK_OPEN => task_open(argument),
            IOMD_MULTI_CREATE => composite::multi_create(argument),
            IOMD_INTERLEAVED_CREATE => composite::interleaved_create(argument),
            IOMD_GUARD_CREATE => composite::guard_create(argument),
            IOMD_ADDRESS_RANGES_CREATE => foreign::address_ranges_create(argument),
            IOMD_MEMFD_IMPORT => foreign::memfd_import(argument),
            IOMD_PHYSICAL_CREATE => foreign::physical_create(argument),
            IOMD_DMA_BUF_IMPORT => dma_buf::import(argument),
            IOMD_REMAP => remap::remap(argument),
            _ => Err(ENOTTY),
        }
    }

    /// Fresh, zeroed, unique memory: a sparse buffer and a map of it, both without a handle, that
    /// live as long as a VMA of them.
    fn mmap(_client: Pin<&Self>, file: &File, vma: &VmaNew) -> Result {
        let place = Place::of(vma);
        if place.first_page != 0 {
            return Err(EINVAL);
        }
        let access = file::access(file);
        let length = super::bytes(place.pages);
        let supply = Supply {
            sparse: true,
            layout: Layout::Pages,
            guarded: false,
            lazy_copy: false,
        };
        let descriptor = Descriptor::new_buffer(length, supply)?;
        let cover = descriptor.extents().cover(0, length)?;
        let map = Map::new(Request {
            memory: Descriptor::prepare(&descriptor, cover.pages, Purpose::Look)?,
            cover,
            options: Options::client_mapping(access.is_writable()),
            // What plain mmap gives.
            inheritance: Inheritance::Share,
            keep: true,
            in_kernel: false,
            unpinnable: false,
        })?;

        view::show(&map, access, None, vma)
    }
}

fn features(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_features>::read_to_answer(argument)?;
    let features = &mut argument.value;

    check_flags(features.flags, 0)?;
    *features = iomd_features {
        size: features.size,
        flags: 0,
        page_size: PAGE_SIZE as u32,
        reserved: 0,
        client_calls: bit(IOMD_FEATURES)
            | bit(IOMD_BUFFER_CREATE)
            | bit(IOMD_OBJECT_NEXT)
            | bit(IOMD_OBJECT_OPEN)
            | bit(IOMD_REDIRECT_BATCH)
            | bit(IOMD_TASK_OPEN)
            | bit(IOMD_MULTI_CREATE)
            | bit(IOMD_INTERLEAVED_CREATE)
            | bit(IOMD_GUARD_CREATE)
            | bit(IOMD_ADDRESS_RANGES_CREATE)
            | bit(IOMD_MEMFD_IMPORT)
            | bit(IOMD_PHYSICAL_CREATE)
            | bit(IOMD_DMA_BUF_IMPORT)
            | bit(IOMD_REMAP),
        descriptor_calls: bit(IOMD_DESCRIPTOR_INFO)
            | bit(IOMD_DESCRIPTOR_REOPEN)
            | bit(IOMD_MAP_CREATE)
            | bit(IOMD_COPY)
            | bit(IOMD_DESCRIPTOR_SUSPEND)
            | bit(IOMD_DESCRIPTOR_RESUME)
            | bit(IOMD_SET_PURGEABLE)
            | bit(IOMD_MAP_EXISTING)
            | bit(IOMD_SUB_CREATE)
            | bit(IOMD_PREPARE)
            | bit(IOMD_COMPLETE)
            | bit(IOMD_DMA_BUF_EXPORT)
            | bit(IOMD_READ_BYTES)
            | bit(IOMD_WRITE_BYTES)
            | bit(IOMD_SET_LENGTH)
            | bit(IOMD_SET_TAG)
            | bit(IOMD_PERFORM_OPERATION)
            | bit(IOMD_PAGE_COUNTS),
        map_calls: bit(IOMD_MAP_INFO)
            | bit(IOMD_REDIRECT)
            | bit(IOMD_RESUME)
            | bit(IOMD_UNMAP)
            | bit(IOMD_MAP_REOPEN)
            | bit(IOMD_MAP_SEAL)
            | bit(IOMD_SUSPEND)
            | bit(IOMD_MAP_INTO_TASK)
            | bit(IOMD_MAP_SEGMENT)
            | bit(IOMD_MAP_DMA_BUF_EXPORT)
            | bit(IOMD_MAPPED_READ)
            | bit(IOMD_MAPPED_WRITE)
            | bit(IOMD_MAP_WIRE),
        buffer_flags: BUFFER_FLAGS.into(),
        map_flags: MAP_FLAGS.into(),
        map_options: HONOURED.into(),
        cache_modes: cache_modes().into(),
        redirect_flags: (IOMD_REDIRECT_REFUSE_PINNED
            | IOMD_REDIRECT_ABANDONED_SIGBUS
            | IOMD_REDIRECT_ABANDONED_RESUME)
            .into(),
        copy_flags: (IOMD_COPY_REFUSE_PINNED | IOMD_COPY_RESUME_ON_TARGET).into(),
        task_calls: bit(IOMD_TASK_INFO) | bit(IOMD_FLUSH_PROCESSOR_CACHE),
        into_task_flags: (IOMD_INTO_TASK_FIXED | IOMD_INTO_TASK_READ_ONLY).into(),
        sub_flags: IOMD_SUB_READ_ONLY.into(),
        remap_flags: remap::FLAGS.into(),
        vm_flags: remap::VM_FLAGS.into(),
    };
    argument.answer()
}

fn buffer_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_buffer_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_padding(create.padding)?;
    let descriptor = Descriptor::new_buffer(create.length, supply(create.flags)?)?;

    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

/// What flags say of a buffer's memory.
fn supply(flags: u32) -> Result<Supply> {
    check_flags(flags, BUFFER_FLAGS)?;
    let has = |flag| flags & flag != 0;
    let sparse = has(IOMD_BUFFER_SPARSE);
    let lazy_copy = has(IOMD_BUFFER_LAZY_COPY);
    let layout = match (has(IOMD_BUFFER_LARGE), has(IOMD_BUFFER_CONTIGUOUS)) {
        (false, false) => Layout::Pages,
        // A copy takes single pages, when they fault.
        _ if lazy_copy => return Err(EINVAL),
        (true, false) => Layout::Pieces,
        // Memory that is together comes at once, and in pages.
        (false, true) if !sparse => Layout::Contiguous,
        _ => return Err(EINVAL),
    };

    Ok(Supply {
        sparse,
        layout,
        guarded: has(IOMD_BUFFER_GUARDED),
        lazy_copy,
    })
}

fn object_next(argument: UserPtr) -> Result<isize> {
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

fn object_open(argument: UserPtr) -> Result<isize> {
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

fn task_open(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_task_open>::read_to_answer(argument)?;
    let open = &mut argument.value;

    check_flags(open.flags, 0)?;
    let task = if open.pid == 0 {
        Task::current()?
    } else if user::may_trace() {
        Task::of_process(open.pid)?
    } else {
        return Err(EPERM);
    };
    argument.answer_with_file(TaskFile::open(task)?, |open, fd| open.fd = fd)
}

fn redirect_batch(client: &Client, argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_redirect_batch>::read_to_answer(argument)?;
    let redirect = &mut argument.value;

    check_flags(redirect.flags, IOMD_REDIRECT_REFUSE_PINNED)?;
    check_padding(redirect.padding)?;
    if redirect.count == 0 || redirect.count > IOMD_BATCH_MAX {
        return Err(EINVAL);
    }
    let mut batch = Batch::new();
    argument::for_each::<iomd_batch_entry>(redirect.entries, redirect.count, |entry| {
        let map = file::Descriptor::<MapFile>::get(entry.map)?;
        let target = map.object().target(entry.descriptor, entry.offset)?;
        batch.add(map.object().handle(), target)
    })?;

    let outer = client.batching.lock()?;
    let refuse_pinned = redirect.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
    redirect.pinned = batch.redirect(&outer, refuse_pinned)? as u64;
    drop(outer);
    argument.answer()
}
