// SPDX-License-Identifier: MIT OR Apache-2.0

//! The query for features tells what there is: all that it reports works, and nothing else does.

use std::os::fd::{AsFd, AsRawFd};

use iomd::{BufferFlags, CopyFlags, Errno, Guards, MapFlags, RedirectFlags};
use iomd_sys::{
    IOMD_BUFFER_CREATE, IOMD_COPY, IOMD_FEATURES, IOMD_INTO_TASK_FIXED, IOMD_IOC_TYPE,
    IOMD_MAP_ANYWHERE, IOMD_MAP_CACHE_MASK, IOMD_MAP_CREATE, IOMD_MAP_GUARDED_LARGE,
    IOMD_MAP_GUARDED_SMALL, IOMD_MAP_INTO_TASK, IOMD_MAP_OVERWRITE, IOMD_MAP_PREFAULT,
    IOMD_MAP_READ_ONLY, IOMD_MAP_UNIQUE, IOMD_NO_DESCRIPTOR, IOMD_REDIRECT,
    IOMD_REDIRECT_ABANDONED_RESUME, IOMD_REDIRECT_ABANDONED_SIGBUS, iomd_buffer_create, iomd_copy,
    iomd_features, iomd_map_create, iomd_map_into_task, iomd_redirect,
};

use super::World;
use crate::support::pin::Pin;
use crate::support::raw::{call, call_at, size};
use crate::support::uring::Ring;
use crate::support::{PAGE, Region, buffer, client, painted, unique};

fn features() -> iomd_features {
    let mut features = iomd_features { size: size::<iomd_features>(), ..Default::default() };
    call(client(), IOMD_FEATURES, &mut features).unwrap();
    features
}

/// Every bit of a mask, and whether it is set.
fn bits(mask: u64) -> impl Iterator<Item = (u64, bool)> {
    (0..64).map(move |shift| (1 << shift, (mask >> shift) & 1 == 1))
}

#[test]
fn what_has_one_answer_has_that() {
    let features = features();
    assert_eq!((features.flags, features.reserved), (0, 0));
    assert_eq!(features.page_size as usize, PAGE, "which these tests take for granted");
}

#[test]
fn reported_calls_exist_and_no_other() {
    let world = World::new();
    let features = features();
    for (object, first, calls) in [
        (world.client.as_fd(), 0x00, features.client_calls),
        (world.source.as_fd(), 0x20, features.descriptor_calls),
        (world.map.as_fd(), 0x40, features.map_calls),
        (world.task.as_fd(), 0x60, features.task_calls),
    ] {
        assert_ne!(calls, 0);
        assert_eq!(calls >> 32, 0, "no kind of object has so many numbers");
        for number in 0..32 {
            let reported = (calls >> number) & 1 == 1;
            // A call that exists looks for its structure.
            let outcome = call_at(object, (IOMD_IOC_TYPE << 8) | (first + number), 0);
            let expected = if reported { Errno::FAULT } else { Errno::NOTTY };
            assert_eq!(outcome, Err(expected), "{number:#x} of {first:#x}");
        }
    }
}

/// A flag of 32 bits that is not reported, and so must be refused.
fn unreported(flag: u64, is_reported: bool) -> Option<u32> {
    u32::try_from(flag).ok().filter(|_| !is_reported)
}

#[test]
fn flags_of_buffers() {
    let reported = features().buffer_flags;
    for (flag, _) in bits(reported).filter(|(_, reported)| *reported) {
        let flag = BufferFlags::from_bits_retain(flag);
        let length = 2 << 20;
        let memory = client().buffer_with(length, flag).unwrap();
        let resident = memory.info().unwrap().resident;
        let segment = || memory.map().create().unwrap().physical_segment(0).unwrap();
        match flag {
            BufferFlags::SPARSE => assert_eq!(resident, 0),
            BufferFlags::LARGE => assert_eq!(segment().address % length, 0),
            BufferFlags::CONTIGUOUS => assert_eq!(segment().length, length),
            BufferFlags::GUARDED => {
                let options = memory.map().create().unwrap().info().unwrap().options;
                assert_eq!(options.guards(), Guards::Small);
            }
            // What that does is in `remap::lazy`.
            BufferFlags::LAZY_COPY => assert_eq!(resident, length),
            _ => panic!("a flag that this test does not know: {flag:?}"),
        }
    }
    assert_eq!(buffer(1).info().unwrap().resident, PAGE as u64);
    for flags in bits(reported).filter_map(|(flag, is)| unreported(flag, is)) {
        let mut create =
            iomd_buffer_create { size: size::<iomd_buffer_create>(), flags, ..Default::default() };
        create.length = PAGE as u64;
        let outcome = call(client(), IOMD_BUFFER_CREATE, &mut create);
        assert_eq!(outcome, Err(Errno::INVAL), "{flags:#x}");
    }
}

#[test]
fn flags_of_maps() {
    let reported = features().map_flags;
    let memory = painted(1, 0x0100);
    for (flag, _) in bits(reported).filter(|(_, reported)| *reported) {
        if flag == MapFlags::KERNEL.bits() {
            let map = memory.map().in_kernel(true).create().unwrap();
            assert_eq!(map.mapped_read_u64(0).unwrap(), 0x0100);
            continue;
        }
        if flag == MapFlags::UNPINNABLE.bits() {
            let map = memory.map().unpinnable(true).create().unwrap();
            let region = Region::from(map.mmap().unwrap());
            Ring::new().register(region).unwrap_err();
            continue;
        }
        assert_eq!(flag, MapFlags::KEEP.bits(), "a flag that this test knows");
        let map = memory.map().keep(true).create().unwrap();
        let mapping = map.mmap().unwrap();
        drop(map);
        assert_eq!(mapping.load_u64(0), 0x0100, "it lives on without a file descriptor");
    }
    for flags in bits(reported).filter_map(|(flag, is)| unreported(flag, is)) {
        let mut create =
            iomd_map_create { size: size::<iomd_map_create>(), flags, ..Default::default() };
        let outcome = call(&memory, IOMD_MAP_CREATE, &mut create);
        assert_eq!(outcome, Err(Errno::INVAL), "{flags:#x}");
    }
}

/// Makes a map with those options; those that it tells of then.
fn with_options(options: u32) -> Result<u32, Errno> {
    let options = iomd::MapOptions::from_bits_retain(options);
    let map = buffer(1).map().options(options).create().map_err(|error| error.errno())?;
    Ok(map.info().unwrap().options.bits())
}

#[test]
fn options_of_maps() {
    let reported = features().map_options;
    assert_eq!(reported & u64::from(IOMD_MAP_CACHE_MASK), 0, "they are modes and not bits");
    let honoured = IOMD_MAP_ANYWHERE
        | IOMD_MAP_READ_ONLY
        | IOMD_MAP_UNIQUE
        | IOMD_MAP_PREFAULT
        | IOMD_MAP_OVERWRITE
        | IOMD_MAP_GUARDED_SMALL
        | IOMD_MAP_GUARDED_LARGE;
    assert_eq!(reported, u64::from(honoured), "those that this test knows");
    for (option, is_reported) in bits(reported) {
        match u32::try_from(option) {
            Ok(option) if is_reported => {
                // Guards are of what may be anywhere.
                let options = option | IOMD_MAP_ANYWHERE;
                assert_eq!(with_options(options), Ok(options));
            }
            Ok(option) if option & IOMD_MAP_CACHE_MASK == 0 => {
                let refusal = with_options(option).unwrap_err();
                assert!(matches!(refusal, Errno::INVAL | Errno::OPNOTSUPP), "{option:#x}");
            }
            Ok(_) => {}
            Err(_) => assert!(!is_reported, "options have 32 bits"),
        }
    }

    let memory = painted(1, 0x0100);
    let read_only = memory.map().read_only(true).create().unwrap();
    let writable = iomd::MmapOptions::default();
    assert_eq!(read_only.mmap_with(writable).unwrap_err().errno(), Errno::ACCESS);
    assert_eq!(read_only.mmap().unwrap().load_u64(0), 0x0100);
    assert_eq!(read_only.suspend().unwrap_err().errno(), Errno::PERM);
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    map.redirect(&painted(1, 0x0200)).run().unwrap();
    assert_eq!(mapping.load_u64(0), 0x0200);
}

#[test]
fn cache_modes_of_maps() {
    let reported = features().cache_modes;
    assert_eq!(reported & 1, 1, "the default");
    for (mode, (_, is_reported)) in bits(reported).enumerate() {
        if mode >= 16 {
            assert!(!is_reported, "a mode has four bits");
            continue;
        }
        let options = (mode as u32) << IOMD_MAP_CACHE_MASK.trailing_zeros();
        match with_options(options) {
            Ok(bits) => {
                assert!(is_reported, "mode {mode} is accepted");
                assert_eq!(bits, options);
            }
            Err(errno) => {
                assert!(!is_reported, "mode {mode} is refused");
                assert!(matches!(errno, Errno::INVAL | Errno::OPNOTSUPP), "mode {mode}");
            }
        }
    }
}

#[test]
fn flags_of_redirecting() {
    let reported = features().redirect_flags;
    let (old, new) = (painted(1, 0x0100), painted(1, 0x0200));
    let map = unique(&old);
    let mapping = map.mmap().unwrap();
    for (flag, _) in bits(reported).filter(|(_, reported)| *reported) {
        let of_suspensions = IOMD_REDIRECT_ABANDONED_SIGBUS | IOMD_REDIRECT_ABANDONED_RESUME;
        if flag & u64::from(of_suspensions) != 0 {
            // Of a suspension, and of nothing else.
            for (descriptor, outcome) in
                [(IOMD_NO_DESCRIPTOR, Ok(())), (new.as_fd().as_raw_fd(), Err(Errno::INVAL))]
            {
                let mut redirect = iomd_redirect {
                    size: size::<iomd_redirect>(),
                    flags: flag as u32,
                    descriptor,
                    ..Default::default()
                };
                assert_eq!(call(&map, IOMD_REDIRECT, &mut redirect), outcome, "{flag:#x}");
            }
            map.resume().unwrap();
            continue;
        }
        assert_eq!(flag, RedirectFlags::REFUSE_PINNED.bits(), "a flag that this test knows");
        let pin = Pin::of(Region::from(&mapping));
        let refused = map.redirect(&new).refuse_pinned(true).run();
        assert_eq!(refused.unwrap_err().errno(), Errno::BUSY);
        assert_eq!(map.redirect(&new).run().unwrap().pinned, 1);
        drop(pin);
        map.redirect(&old).refuse_pinned(true).run().unwrap();
        assert_eq!(mapping.load_u64(0), 0x0100);
    }
    for flags in bits(reported).filter_map(|(flag, is)| unreported(flag, is)) {
        let mut redirect =
            iomd_redirect { size: size::<iomd_redirect>(), flags, ..Default::default() };
        redirect.descriptor = new.as_fd().as_raw_fd();
        let outcome = call(&map, IOMD_REDIRECT, &mut redirect);
        assert_eq!(outcome, Err(Errno::INVAL), "{flags:#x}");
    }
    assert_eq!(mapping.load_u64(0), 0x0100);
}

#[test]
fn flags_of_copying() {
    let reported = features().copy_flags;
    for (flag, _) in bits(reported).filter(|(_, reported)| *reported) {
        let (source, target) = (painted(1, 0x0100), painted(1, 0x0200));
        let map = unique(&source);
        let mapping = map.mmap().unwrap();
        if flag == CopyFlags::REFUSE_PINNED.bits() {
            let pin = Pin::of(Region::from(&mapping));
            let refused = source.copy_to(&target).refuse_pinned(true).run();
            assert_eq!(refused.unwrap_err().errno(), Errno::BUSY);
            assert_eq!(source.copy_to(&target).run().unwrap().pinned, 1);
            drop(pin);
            source.copy_to(&target).refuse_pinned(true).run().unwrap();
        } else {
            assert_eq!(flag, CopyFlags::RESUME_ON_TARGET.bits(), "a flag that this test knows");
            source.copy_to(&target).resume_on_target(true).run().unwrap();
            assert_eq!(map.info().unwrap().descriptor_id, target.id().unwrap());
        }
        assert_eq!(mapping.load_u64(0), 0x0100);
    }
    let (source, target) = (painted(1, 0x0100), painted(1, 0x0200));
    for flags in bits(reported).filter_map(|(flag, is)| unreported(flag, is)) {
        let mut copy = iomd_copy { size: size::<iomd_copy>(), flags, ..Default::default() };
        copy.target = target.as_fd().as_raw_fd();
        let outcome = call(&source, IOMD_COPY, &mut copy);
        assert_eq!(outcome, Err(Errno::INVAL), "{flags:#x}");
    }
}

#[test]
fn flags_of_mapping_into_a_task() {
    let reported = features().into_task_flags;
    let map = unique(&painted(1, 0x0100));
    let task = client().own_task().unwrap();
    let into = |flags| {
        let mut into = iomd_map_into_task {
            size: size::<iomd_map_into_task>(),
            flags,
            task: task.as_fd().as_raw_fd(),
            // A misaligned address: refused where it counts, and then for that.
            address: 1,
            ..Default::default()
        };
        call(&map, IOMD_MAP_INTO_TASK, &mut into).map(|()| into.address as usize)
    };
    for (flag, is_reported) in bits(reported).take(32) {
        match into(flag as u32) {
            Ok(address) => {
                assert!(is_reported, "{flag:#x}");
                Region::at(address, PAGE).unmap().unwrap();
            }
            Err(errno) => {
                assert_eq!(errno, Errno::INVAL);
                assert_eq!(is_reported, flag == u64::from(IOMD_INTO_TASK_FIXED), "{flag:#x}");
            }
        }
    }
}
