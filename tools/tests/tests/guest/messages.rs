// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's log is for what an administrator must know. Nobody can fill it: neither by what is
//! refused nor by what is done.

use std::fs;
use std::os::fd::AsFd;
use std::process;

use iomd::{CacheMode, Client, Descriptor, Errno, Map, MapOptions, MmapOptions};
use iomd_sys::{
    IOMD_BUFFER_CREATE, IOMD_COPY, IOMD_DESCRIPTOR_INFO, IOMD_DESCRIPTOR_REOPEN, IOMD_FEATURES,
    IOMD_INHERIT_COPY, IOMD_MAP_CREATE, IOMD_MAP_INFO, IOMD_REDIRECT, IOMD_RESUME, IOMD_UNMAP,
    iomd_buffer_create, iomd_copy, iomd_descriptor_info, iomd_descriptor_reopen, iomd_features,
    iomd_map_create, iomd_map_info, iomd_redirect, iomd_resume, iomd_unmap,
};
use rustix::mm::{MapFlags, MprotectFlags, MremapFlags, ProtFlags};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::cgroup::Cgroup;
use crate::support::kernel_log::KernelLog;
use crate::support::pin::Pin;
use crate::support::privileges::become_user;
use crate::support::raw::{self, size};
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, client, painted, scaled, unique, unique_shared,
};

/// How often everything is tried.
const ROUNDS: u64 = 30;

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Asserts that the kernel says nothing while the work is done.
///
/// A line that names neither the module nor this program may be about anything; then the work is
/// done again.
#[track_caller]
fn quietly(work: impl Fn()) {
    const ATTEMPTS: u32 = 3;
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    let pid = process::id().to_string();
    for attempt in 1..=ATTEMPTS {
        let log = KernelLog::from_now_on();
        work();
        let said = log.messages();
        let ours =
            |line: &String| ["iomd", name.trim(), &pid].iter().any(|name| line.contains(name));
        if said.is_empty() {
            return;
        }
        assert!(attempt < ATTEMPTS && !said.iter().any(ours), "the kernel said {said:?}");
    }
}

#[test]
fn a_line_would_be_seen() {
    let log = KernelLog::from_now_on();
    let lines =
        ["<6>iomd: a message\n", "<7>iomd: one for developers\n", "<3>iomd: one without end"];
    for line in lines {
        fs::write("/dev/kmsg", line).unwrap();
    }
    let said = log.messages();
    assert_eq!(said.len(), lines.len(), "{said:?}");
    for (said, line) in said.iter().zip(lines) {
        assert!(said.contains(line[3..].trim_end()), "{said}");
    }
}

/// How many pages the user below may lock.
const LOCKED_PAGES: usize = 4;

/// What a user without privileges has been given, and makes of it what is refused.
struct Subject {
    client: Client,
    memory: Descriptor,
    other: Descriptor,
    short: Descriptor,
    reader: Descriptor,
    map: Map,
    plain: Map,
    ended: Map,
    /// Of pages that are held for I/O.
    pinned: Map,
    _pin: Pin,
    /// The argument of a call, in suspended memory.
    suspended: (Map, Region),
    /// A page that is not there, after as many as may be locked.
    unaffordable: Region,
}

impl Subject {
    fn new() -> Self {
        let client = client();
        let memory = painted(4, OLD);
        let (other, short) = (painted(4, NEW), painted(1, NEW));
        let pinned = unique(&painted(1, OLD));
        let pin = Pin::of(pinned.mmap().unwrap().into());
        let limit = Some((LOCKED_PAGES * PAGE) as u64);
        setrlimit(Resource::Memlock, Rlimit { current: limit, maximum: limit }).unwrap();
        become_user(4713);

        let (map, plain) = (unique(&memory), memory.map().create().unwrap());
        let ended = unique(&memory);
        ended.unmap().unwrap();
        let suspended = unique(&other);
        let argument = Region::from(suspended.mmap().unwrap());
        argument.write(0, u64::from(size::<iomd_features>()));
        suspended.suspend().unwrap();
        let sparse = Region::from(client.map_fresh((LOCKED_PAGES + 1) * PAGE).unwrap());
        for page in 0..LOCKED_PAGES {
            sparse.write(page * PAGE, OLD);
        }
        Self {
            reader: memory.read_only().unwrap(),
            client,
            memory,
            other,
            short,
            map,
            plain,
            ended,
            pinned,
            _pin: pin,
            suspended: (suspended, argument),
            unaffordable: sparse.pages(LOCKED_PAGES..LOCKED_PAGES + 1),
        }
    }

    /// Every refusal, one after the other.
    fn refuse(&self) {
        self.refuse_arguments();
        self.refuse_descriptors();
        self.refuse_maps();
        self.refuse_copies();
        self.refuse_redirects();
        self.refuse_mappings();
        self.refuse_the_kernel();
    }

    /// Calls that do not exist, and arguments that are none.
    fn refuse_arguments(&self) {
        let files = [self.client.as_fd(), self.memory.as_fd(), self.map.as_fd()];
        let features = self.client.features().unwrap();
        let calls = [features.client_calls, features.descriptor_calls, features.map_calls];
        for ((file, calls), first) in files.into_iter().zip(calls).zip([0x00, 0x20, 0x40]) {
            for call in 0..=0xff_u32 {
                let bit = call.wrapping_sub(first);
                let exists = bit < u64::BITS && (calls >> bit) & 1 != 0;
                let errno = if exists { Errno::FAULT } else { Errno::NOTTY };
                let number = IOMD_FEATURES | call;
                // None of them with a first word that can be read.
                for address in [0, usize::MAX, self.unaffordable.address()] {
                    is_refused(raw::call_at(file, number, address), errno);
                }
                is_refused(raw::call_at(file, number | (3 << 30), 0), Errno::NOTTY);
            }
        }
        let [client, memory, map] = files;
        for (file, number, size) in [
            (client, IOMD_FEATURES, size::<iomd_features>()),
            (client, IOMD_BUFFER_CREATE, size::<iomd_buffer_create>()),
            (memory, IOMD_DESCRIPTOR_INFO, size::<iomd_descriptor_info>()),
            (memory, IOMD_DESCRIPTOR_REOPEN, size::<iomd_descriptor_reopen>()),
            (memory, IOMD_MAP_CREATE, size::<iomd_map_create>()),
            (memory, IOMD_COPY, size::<iomd_copy>()),
            (map, IOMD_MAP_INFO, size::<iomd_map_info>()),
            (map, IOMD_REDIRECT, size::<iomd_redirect>()),
            (map, IOMD_RESUME, size::<iomd_resume>()),
            (map, IOMD_UNMAP, size::<iomd_unmap>()),
        ] {
            // Every structure begins with its size and its flags.
            for (size, flags, tail, errno) in [
                (0, 0, 0, Errno::INVAL),
                (size - 8, 0, 0, Errno::INVAL),
                (size, u32::MAX, 0, Errno::INVAL),
                (size + 8, 0, 1, Errno::TOOBIG),
                (u32::MAX, 0, 0, Errno::TOOBIG),
            ] {
                let mut argument = [0_u32; 64];
                argument[..2].copy_from_slice(&[size, flags]);
                if tail != 0 {
                    argument[size as usize / 4 - 1] = tail;
                }
                is_refused(raw::call(file, number, &mut argument), errno);
            }
        }
    }

    fn refuse_descriptors(&self) {
        let Self { client, .. } = self;
        for (length, errno) in [
            (0, Errno::INVAL),
            (u64::MAX, Errno::OVERFLOW),
            (i64::MAX as u64 + 2, Errno::OVERFLOW),
            (PAGE as u64, Errno::NOMEM),
            (1 << 50, Errno::NOMEM),
        ] {
            is_refused(client.buffer(length), errno);
        }
        is_refused(client.objects().next().unwrap(), Errno::PERM);
        is_refused(client.open_map(1), Errno::PERM);
        without_descriptors(|| {
            is_refused(client.sparse_buffer(1), Errno::MFILE);
            is_refused(self.memory.read_only(), Errno::MFILE);
            is_refused(self.memory.map().create(), Errno::MFILE);
        });
    }

    fn refuse_maps(&self) {
        let Self { memory, reader, .. } = self;
        let page = PAGE as u64;
        let of = |offset, length| memory.map().offset(offset).length(length).create();
        for (offset, length, errno) in [
            (1, 4 * page, Errno::RANGE),
            (page, u64::MAX, Errno::OVERFLOW),
            (0, 4 * page + 1, Errno::RANGE),
            (4 * page, 0, Errno::RANGE),
            (1 << 60, 1, Errno::RANGE),
        ] {
            is_refused(of(offset, length), errno);
        }
        for bit in 0..u32::BITS {
            let options = MapOptions::from_bits_retain(1 << bit);
            let made = memory.map().options(options).create();
            match made.map_err(|error| error.errno()) {
                Ok(_) | Err(Errno::INVAL | Errno::OPNOTSUPP) => {}
                // A cache mode, while other maps show the memory in another.
                Err(Errno::BUSY) if options.cache_mode() != Some(CacheMode::Default) => {}
                Err(errno) => panic!("{options:?}: {errno}"),
            }
        }
        is_refused(reader.map().create(), Errno::ACCESS);
        for (inheritance, errno) in [(IOMD_INHERIT_COPY, Errno::OPNOTSUPP), (7, Errno::INVAL)] {
            let size = size::<iomd_map_create>();
            let mut create = iomd_map_create { size, inheritance, ..Default::default() };
            is_refused(raw::call(memory, IOMD_MAP_CREATE, &mut create), errno);
        }
    }

    fn refuse_copies(&self) {
        let Self { memory, other, short, reader, .. } = self;
        let page = PAGE as u64;
        is_refused(memory.copy_to(reader).run(), Errno::ACCESS);
        is_refused(memory.copy_to(short).run(), Errno::RANGE);
        is_refused(memory.copy_to(memory).run(), Errno::INVAL);
        is_refused(memory.copy_to(other).range(1, 4 * page).run(), Errno::RANGE);
        is_refused(memory.copy_to(other).range(page, u64::MAX).run(), Errno::OVERFLOW);
        is_refused(memory.copy_to(other).resume_on_target(true).run(), Errno::PERM);
        is_refused(reader.copy_to(other).resume_on_target(true).run(), Errno::ACCESS);
        for (target, errno) in [(-1, Errno::BADF), (9999, Errno::BADF), (0, Errno::INVAL)] {
            let mut copy = iomd_copy { size: size::<iomd_copy>(), target, ..Default::default() };
            is_refused(raw::call(memory, IOMD_COPY, &mut copy), errno);
        }
    }

    fn refuse_redirects(&self) {
        let Self { map, plain, pinned, ended, memory, short, reader, .. } = self;
        is_refused(plain.redirect(memory).run(), Errno::PERM);
        is_refused(plain.suspend(), Errno::PERM);
        is_refused(plain.resume(), Errno::PERM);
        is_refused(map.redirect(short).run(), Errno::RANGE);
        is_refused(map.redirect(reader).run(), Errno::ACCESS);
        is_refused(map.redirect(memory).offset(1).run(), Errno::INVAL);
        is_refused(map.redirect(memory).offset(PAGE as u64).run(), Errno::RANGE);
        is_refused(map.redirect(memory).offset(u64::MAX - 4095).run(), Errno::OVERFLOW);
        is_refused(pinned.redirect(memory).refuse_pinned(true).run(), Errno::BUSY);
        for (descriptor, errno) in [(-2, Errno::BADF), (9999, Errno::BADF), (0, Errno::INVAL)] {
            let size = size::<iomd_redirect>();
            let mut redirect = iomd_redirect { size, descriptor, ..Default::default() };
            is_refused(raw::call(map, IOMD_REDIRECT, &mut redirect), errno);
        }
        ended.redirect(memory).run().unwrap();
        ended.unmap().unwrap();
    }

    fn refuse_mappings(&self) {
        let Self { client, memory, map, ended, .. } = self;
        let both = ProtFlags::READ | ProtFlags::WRITE;
        let (shared, private) = (MapFlags::SHARED, MapFlags::PRIVATE);
        let page = PAGE as u64;
        is_refused(Region::map(map, 0, PAGE, both, private), Errno::INVAL);
        is_refused(Region::map(map, 0, PAGE, ProtFlags::EXEC, shared), Errno::PERM);
        is_refused(Region::map(map, page, 4 * PAGE, both, shared), Errno::INVAL);
        is_refused(Region::map(map, 1 << 62, PAGE, both, shared), Errno::INVAL);
        is_refused(Region::map(ended, 0, PAGE, both, shared), Errno::NODEV);
        is_refused(Region::map(memory, 0, PAGE, both, shared), Errno::NODEV);
        is_refused(Region::map(client, 0, PAGE, both, private), Errno::INVAL);
        is_refused(Region::map(client, page, PAGE, both, shared), Errno::INVAL);
        is_refused(Region::map(client, 0, PAGE, ProtFlags::EXEC, shared), Errno::PERM);
        let region = Region::from(map.mmap().unwrap());
        let address = Some(region.address());
        let options = MmapOptions { address, ..MmapOptions::default() };
        is_refused(map.mmap_with(options), Errno::EXIST);
        is_refused(region.protect(MprotectFlags::EXEC), Errno::ACCESS);
        is_refused(region.remap(5 * PAGE, MremapFlags::MAYMOVE, None), Errno::FAULT);
        let doubled = region.pages(0..0).remap(PAGE, MremapFlags::MAYMOVE, None);
        is_refused(doubled, Errno::FAULT);
        region.unmap().unwrap();
    }

    /// The kernel's own accesses.
    fn refuse_the_kernel(&self) {
        let (map, argument) = &self.suspended;
        for _ in 0..3 {
            let asked = raw::call_at(&self.client, IOMD_FEATURES, argument.address());
            is_refused(asked, Errno::FAULT);
        }
        assert_eq!(map.info().unwrap().waits, 0);
        let ended = unique(&self.memory);
        let region = Region::from(ended.mmap().unwrap());
        ended.unmap().unwrap();
        is_refused(raw::call_at(&self.client, IOMD_FEATURES, region.address()), Errno::FAULT);
        region.unmap().unwrap();
    }
}

/// What a call of the crate or of the system failed with.
trait Refusal {
    fn errno(&self) -> Errno;
}

impl Refusal for Errno {
    fn errno(&self) -> Errno {
        *self
    }
}

impl Refusal for iomd::Error {
    fn errno(&self) -> Errno {
        self.errno()
    }
}

#[track_caller]
fn is_refused<T>(result: Result<T, impl Refusal>, errno: Errno) {
    assert_eq!(result.map(drop).map_err(|refusal| refusal.errno()), Err(errno));
}

/// Does something while the process can have no more file descriptors.
fn without_descriptors(work: impl FnOnce()) {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limits }).unwrap();
    work();
    setrlimit(Resource::Nofile, limits).unwrap();
}

#[test]
fn a_storm_of_refusals_is_silent() {
    quietly(|| {
        // What is not allowed to the user is not the module's concern alone.
        Child::fork(|_| {
            let subject = Subject::new();
            for _ in 0..scaled(ROUNDS) {
                subject.refuse();
            }
        })
        .succeed();
    });
}

#[test]
fn memory_that_cannot_be_had_is_no_message() {
    // What is charged besides the pages is charged once in fewer pages than these: it, too, is what
    // the limit is reached with.
    const STEPS: u64 = 512;
    const PAGES: usize = 2 * STEPS as usize;
    let group = Cgroup::new("messages");
    let ours = painted(PAGES, OLD);
    quietly(|| {
        Child::fork(|_| {
            // Page tables are not what is to be refused.
            let map = unique(&ours);
            let region = Region::from(map.mmap().unwrap());
            for page in 0..PAGES {
                assert_eq!(region.read(page * PAGE), OLD + page as u64);
            }
            group.enter();
            let client = client();
            let length = (PAGES * PAGE) as u64;
            drop(client.buffer(length).unwrap());
            let charged = group.charged();
            for step in 1..=scaled(STEPS).min(STEPS) {
                group.limit(charged + step * PAGE as u64);
                is_refused(client.buffer(length), Errno::NOMEM);
                if step % 16 != 0 {
                    continue;
                }
                let sparse = client.sparse_buffer(length).unwrap();
                map.redirect(&sparse).run().unwrap();
                // Touched by the kernel, so that it is an error and not the end.
                let mut pages = (0..PAGES).map(|page| region.address() + page * PAGE);
                let had = |page| raw::call_at(&client, IOMD_FEATURES, page) == Err(Errno::INVAL);
                assert!(!pages.all(had), "there is a limit");
                map.redirect(&ours).run().unwrap();
            }
        })
        .succeed();
    });
}

#[test]
fn ordinary_use_is_silent() {
    quietly(|| {
        for _ in 0..scaled(ROUNDS).min(10) {
            use_everything();
        }
    });
}

fn use_everything() {
    let client = client();
    let (old, new) = (painted(4, OLD), painted(4, NEW));
    let map = unique_shared(&old);
    let memory = map.mmap().unwrap();
    let [heir, user] = [User::with(|| Region::from(&memory)), User::of(&map)];
    assert_eq!(client.features().unwrap().page_size, PAGE as u32);
    assert!(client.objects().count() > 2);

    assert_eq!([heir.read(0), user.read(PAGE)], [OLD, OLD + 1]);
    map.suspend().unwrap();
    user.begin_read(0);
    heir.begin_write(8, 7);
    await_waiters(&map, 2);
    map.redirect(&new).run().unwrap();
    assert_eq!([user.finish(), heir.finish()], [NEW, 7]);
    let copied = new.copy_to(&old).resume_on_target(true).run().unwrap();
    assert_eq!(copied.maps, 1);
    assert_eq!(memory.load_u64(8), 7);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert_eq!(user.into_child().kill(), End::Killed(Signal::KILL));
    map.resume().unwrap();

    let reader = old.read_only().unwrap().map().read_only(true).create().unwrap();
    assert_eq!(reader.mmap().unwrap().load_u64(8), 7);
    client.map_fresh(PAGE).unwrap().store_u64(0, 7);
    let sparse = client.sparse_buffer(1 << 40).unwrap();
    let pin = Pin::of((&memory).into());
    map.redirect(&new).run().unwrap();
    drop((pin, sparse));
    map.unmap().unwrap();
    heir.begin_read(0);
    assert_eq!(heir.into_child().end(), End::Killed(Signal::BUS));
}
