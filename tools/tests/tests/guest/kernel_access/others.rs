// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses that never wait, whoever makes them, and those that are not of a system call.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU32;

use iomd::{Errno, Map};
use rustix::process::Signal;
use rustix::thread::futex;

use super::{NEW, OLD};
use crate::support::privileges::{WITHOUT_PTRACE, map_made, suspend_as};
use crate::support::ptrace::Traced;
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, painted, proc, unique_shared, window,
};

/// Suspended maps, with privilege and without.
fn suspended_maps() -> [Map; 2] {
    let (_, lose) = WITHOUT_PTRACE[0];
    let maps = [unique_shared(&painted(1, OLD)), map_made(1, OLD, lose)];
    for map in &maps {
        map.suspend().unwrap();
    }
    maps
}

#[track_caller]
fn assert_nobody_waited(map: &Map) {
    assert_eq!(map.info().unwrap().waits, 0);
}

#[test]
fn proc_self_mem_is_refused() {
    for map in suspended_maps() {
        let access = || {
            Child::fork(|parent| {
                let region = Region::from(map.mmap().unwrap());
                let memory = File::options().read(true).write(true).open("/proc/self/mem").unwrap();
                let place = region.address() as u64;
                let mut word = [0; 8];
                let outcome = |done: std::io::Result<()>| match done {
                    Ok(()) => Ok(0),
                    Err(error) => Err(Errno::from_io_error(&error).unwrap()),
                };
                parent.say_outcome(outcome(memory.read_exact_at(&mut word, place)));
                parent.say(u64::from_ne_bytes(word));
                parent.say_outcome(outcome(memory.write_all_at(&NEW.to_ne_bytes(), place)));
            })
        };
        let child = access();
        assert_eq!(child.hear_outcome(), Err(Errno::IO));
        assert_eq!(child.hear(), 0);
        assert_eq!(child.hear_outcome(), Err(Errno::IO));
        child.succeed();
        assert_nobody_waited(&map);

        map.resume().unwrap();
        let child = access();
        assert_eq!(child.hear_outcome(), Ok(0));
        assert_eq!(child.hear(), OLD);
        assert_eq!(child.hear_outcome(), Ok(0));
        child.succeed();
        assert_eq!(User::of(&map).read(0), NEW);
    }
}

#[test]
fn a_debugger_s_peek_and_poke_are_refused() {
    for map in suspended_maps() {
        let user = User::of(&map);
        let address = map.info().unwrap().address.unwrap() as usize;
        let traced = Traced::seize(&user);
        assert_eq!(traced.peek(address), Err(Errno::IO));
        assert_eq!(traced.poke(address, NEW), Err(Errno::IO));
        assert_nobody_waited(&map);

        map.resume().unwrap();
        assert_eq!(traced.peek(address), Ok(OLD));
        assert_eq!(traced.poke(address, NEW), Ok(()));
        drop(traced);
        assert_eq!(user.read(0), NEW);
    }
}

#[test]
fn futex_operations_that_change_the_word_are_refused() {
    for map in suspended_maps() {
        let child = Child::fork(|parent| {
            let region = Region::from(map.mmap().unwrap());
            // SAFETY: a region's words are nobody's, and aligned.
            let word = unsafe { AtomicU32::from_ptr(region.as_ptr().cast()) };
            let other = AtomicU32::new(0);
            let private = futex::Flags::PRIVATE;
            let (wake, op, cmp) = (1, futex::WakeOp::Add, futex::WakeOpCmp::Eq);
            let woken = futex::wake_op(&other, private, wake, wake, word, op, cmp, 1, 0);
            parent.say_outcome(woken.map(|woken| woken as u64));
            parent.say_outcome(futex::lock_pi(word, private, None).map(|()| 0));
        });
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT));
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT));
        child.succeed();
        assert_nobody_waited(&map);
    }
}

#[test]
fn another_process_s_memory_makes_who_reads_it_wait() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique_shared(&old);
    let user = User::of(&map);
    let address = map.info().unwrap().address.unwrap() as usize;
    let pid = user.pid().as_raw_nonzero().get();
    map.suspend().unwrap();
    let reader = Child::fork(|parent| {
        let mut word: u64 = 0;
        let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
        let place = std::ptr::without_provenance_mut(address);
        let remote = libc::iovec { iov_base: place, iov_len: 8 };
        // SAFETY: the kernel writes to the word, which nobody else uses meanwhile.
        let read = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
        assert_eq!(read, 8);
        parent.say(word);
    });
    await_waiters(&map, 1);
    reader.await_state('D');
    assert_eq!(proc::state(user.pid()), 'S', "it waits for a command");
    map.redirect(&new).run().unwrap();
    assert_eq!(reader.hear(), NEW);
    reader.succeed();
}

/// A process whose signal stack is in the map, and which gets a signal.
fn signalled(map: &Map) -> Child {
    let child = Child::fork(|parent| {
        let stack = Region::from(map.mmap().unwrap());
        signals::report_on_stack(Signal::USR1, parent, stack);
        parent.say(0);
        parent.hear();
    });
    child.hear();
    child.signal(Signal::USR1);
    child
}

const STACK: usize = 16;

#[test]
fn a_signal_frame_of_the_privileged_waits() {
    let (old, new) = (painted(STACK, OLD), painted(STACK, NEW));
    let map = unique_shared(&old);
    map.suspend().unwrap();
    let child = signalled(&map);
    await_waiters(&map, 1);
    child.await_state('D');
    map.redirect(&new).run().unwrap();
    assert_eq!(child.hear(), HANDLED);
    child.say(0);
    child.succeed();
    // The frame is in the new memory, at the stack's top, and nowhere else.
    let top = |memory| {
        let window = window(memory);
        (0..PAGE / 8)
            .any(|word| window.load_u64((STACK - 1) * PAGE + word * 8) > NEW + STACK as u64)
    };
    assert!(top(&new) && !top(&old));
}

#[test]
fn a_signal_frame_of_the_privileged_ends_by_sigkill() {
    let map = unique_shared(&painted(STACK, OLD));
    map.suspend().unwrap();
    let child = signalled(&map);
    await_waiters(&map, 1);
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
}

#[test]
fn a_signal_frame_of_others_kills_at_once() {
    for (_, lose) in WITHOUT_PTRACE {
        let map = map_made(STACK, OLD, lose);
        map.suspend().unwrap();
        assert_eq!(signalled(&map).end(), End::Killed(Signal::SEGV));
        assert_nobody_waited(&map);
    }
    let (_, lose) = WITHOUT_PTRACE[0];
    let map = unique_shared(&painted(STACK, OLD));
    suspend_as(lose, &map);
    assert_eq!(signalled(&map).end(), End::Killed(Signal::SEGV));
    assert_nobody_waited(&map);
}

#[test]
fn who_exits_does_not_wait() {
    // The kernel looks at the list of robust futexes when a thread exits.
    for map in suspended_maps() {
        let child = Child::fork(|_| {
            let region = Region::from(map.mmap().unwrap());
            let size = 3 * size_of::<usize>();
            // SAFETY: nothing else lives in a region.
            let set = unsafe { libc::syscall(libc::SYS_set_robust_list, region.address(), size) };
            assert_eq!(set, 0);
        });
        child.succeed();
        assert_nobody_waited(&map);
    }
}
