// SPDX-License-Identifier: GPL-2.0

//! Calls on a client, which is an open /dev/iomd.

use super::{
    argument::{self, Argument},
    buffer, by_id, check_flags, check_padding, composite, dma_buf, features, foreign,
    handle::MapFile,
    remap,
    task::TaskFile,
};
use crate::{
    abi::{
        iomd_batch_entry, iomd_redirect_batch, iomd_task_open, IOMD_ADDRESS_RANGES_CREATE,
        IOMD_BATCH_MAX, IOMD_BUFFER_CREATE, IOMD_DMA_BUF_IMPORT, IOMD_FEATURES, IOMD_GUARD_CREATE,
        IOMD_INTERLEAVED_CREATE, IOMD_MEMFD_IMPORT, IOMD_MULTI_CREATE, IOMD_OBJECT_NEXT,
        IOMD_OBJECT_OPEN, IOMD_PHYSICAL_CREATE, IOMD_REDIRECT_BATCH, IOMD_REDIRECT_REFUSE_PINNED,
        IOMD_REMAP, IOMD_TASK_OPEN,
    },
    descriptor::{
        buffer::{Layout, Supply},
        prepared::Purpose,
        Descriptor,
    },
    map::{batch::Batch, view, Inheritance, Map, Request},
    os::{
        file,
        mutex::{new_killable_mutex, KillableMutex},
        user,
        vma::Place,
    },
    pure::options::Options,
    task::Task,
};
use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceRegistration},
    mm::virt::VmaNew,
    prelude::*,
    uaccess::UserPtr,
};

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
            IOMD_FEATURES => features::features(argument),
            IOMD_BUFFER_CREATE => buffer::create(argument),
            IOMD_OBJECT_NEXT => by_id::next(argument),
            IOMD_OBJECT_OPEN => by_id::open(argument),
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
