// SPDX-License-Identifier: MIT OR Apache-2.0

//! Accesses of the kernel go through the map: they wait, are redirected, and are drained.

use std::time::Duration;

use iomd::{Deadline, Errno, Map};
use rustix::process::Signal;

use super::{NEW, OLD, in_kernel};
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, End, PAGE, assert_painted, await_waiters, eventually, painted, scaled, window,
};

/// A process that reads a word, or writes one, and tells how that ended.
fn access(map: &Map, writes: bool) -> Child {
    Child::fork(|parent| {
        signals::report(Signal::USR1, parent);
        let done =
            if writes { map.mapped_write_u64(0, 7).map(|()| 7) } else { map.mapped_read_u64(0) };
        parent.say_outcome(done.map_err(|error| error.errno()));
    })
}

#[test]
fn a_redirect_is_followed() {
    let (old, new) = (painted(2, OLD), painted(3, NEW));
    let map = in_kernel(&old);
    map.redirect(&new).offset(PAGE as u64).run().unwrap();
    assert_eq!(map.mapped_read_u64(0).unwrap(), NEW + 1);
    map.mapped_write_u64(PAGE as u64, 7).unwrap();
    assert_eq!(window(&new).load_u64(2 * PAGE), 7);
    assert_painted(&old, OLD);
}

#[test]
fn a_suspension_is_waited_for() {
    for writes in [false, true] {
        let (old, new) = (painted(1, OLD), painted(1, NEW));
        let map = in_kernel(&old);
        map.suspend().unwrap();
        let child = access(&map, writes);
        await_waiters(&map, 1);
        child.await_state('D');
        let wait = map.waits().unwrap().remove(0);
        assert_eq!((wait.offset, wait.address, wait.write), (0, 0, writes), "for a pager");
        assert_eq!(wait.thread, Some(child.pid().as_raw_nonzero().get()));
        // As every access in a system call.
        child.signal(Signal::USR1);
        assert!(child.is_silent());
        map.redirect(&new).run().unwrap();
        assert_eq!(child.hear(), HANDLED);
        assert_eq!(child.hear_outcome(), Ok(if writes { 7 } else { NEW }));
        child.succeed();
        assert_eq!(window(&new).load_u64(0), if writes { 7 } else { NEW });
        assert_painted(&old, OLD);
    }
}

#[test]
fn a_wait_ends_by_sigkill_by_the_end_and_by_the_deadline() {
    let memory = painted(1, OLD);
    let map = in_kernel(&memory);
    map.suspend().unwrap();
    let child = access(&map, true);
    await_waiters(&map, 1);
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
    await_waiters(&map, 0);

    let child = access(&map, true);
    await_waiters(&map, 1);
    map.suspend_with().deadline(Deadline::after(Duration::from_millis(1))).run().unwrap();
    assert_eq!(child.hear_outcome(), Err(Errno::FAULT));
    assert_eq!(access(&map, false).hear_outcome(), Err(Errno::FAULT), "later ones too");
    map.resume().unwrap();
    assert_eq!(map.mapped_read_u64(0).unwrap(), OLD);

    map.suspend().unwrap();
    let child = access(&map, false);
    await_waiters(&map, 1);
    map.unmap().unwrap();
    assert_eq!(child.hear_outcome(), Err(Errno::NODEV));
    assert_painted(&memory, OLD);
}

#[test]
fn pages_are_held_up_one_by_one() {
    let memory = painted(3, OLD);
    let map = in_kernel(&memory);
    map.suspend_with().range(0, PAGE as u64).run().unwrap();
    assert_eq!(map.mapped_read_u64(PAGE as u64).unwrap(), OLD + 1);
    let child = access(&map, false);
    await_waiters(&map, 1);
    map.resume_range(0, PAGE as u64).unwrap();
    assert_eq!(child.hear_outcome(), Ok(OLD));
    child.succeed();
}

#[test]
fn its_descriptor_s_suspension_holds_it_up_but_for_the_safe() {
    let memory = painted(1, OLD);
    let map = in_kernel(&memory);
    memory.suspend_with().spare_caller(true).run().unwrap();
    // On behalf of the caller, who is safe.
    assert_eq!(map.mapped_read_u64(0).unwrap(), OLD);
    let child = access(&map, false);
    await_waiters(&map, 1);
    memory.resume().unwrap();
    assert_eq!(child.hear_outcome(), Ok(OLD));
    child.succeed();
}

#[test]
fn who_is_not_privileged_is_refused() {
    let (who, lose) = WITHOUT_PTRACE[0];
    // The one who suspends, and the one who made the map.
    let memory = painted(1, OLD);
    let map = in_kernel(&memory);
    crate::support::privileges::suspend_as(lose, &map);
    assert_eq!(map.mapped_read_u64(0).unwrap_err().errno(), Errno::FAULT, "suspended {who}");
    map.resume().unwrap();
    assert_eq!(map.mapped_read_u64(0).unwrap(), OLD);

    let child = Child::fork(|parent| {
        lose();
        parent.send(in_kernel(&memory));
    });
    let map: Map = child.receive();
    child.succeed();
    map.suspend().unwrap();
    assert_eq!(map.mapped_write_u64(0, 7).unwrap_err().errno(), Errno::FAULT, "created {who}");
    assert_eq!(map.info().unwrap().waits, 0);
    map.resume().unwrap();
    assert_painted(&memory, OLD);
}

#[test]
fn no_write_reaches_the_old_memory_after_a_redirect() {
    let memories = [painted(1, OLD), painted(1, NEW)];
    let map = in_kernel(&memories[0]);
    let writer = Child::fork(|_| {
        for number in 1.. {
            map.mapped_write_u64(8, number).unwrap();
        }
    });
    let windows = memories.each_ref().map(window);
    eventually("the writer begins", || windows[0].load_u64(8) != 0);
    let mut written = [0; 2];
    for round in 0..scaled(300) as usize {
        let (new, old) = ((round + 1) % 2, round % 2);
        map.redirect(&memories[new]).run().unwrap();
        let number = windows[old].load_u64(8);
        for _ in 0..100 {
            assert_eq!(windows[old].load_u64(8), number, "it is written no more");
        }
        // It can be that the writer did not come by.
        assert!(number >= written[old]);
        written[old] = number;
    }
    assert_ne!(written, [0; 2]);
    // And goes on, on the memory that there is now.
    let shown = scaled(300) as usize % 2;
    let before = windows[shown].load_u64(8);
    eventually("the writer goes on", || windows[shown].load_u64(8) > before);
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

#[test]
fn a_copy_has_one_moment_of_what_it_writes() {
    const PAGES: usize = 64;
    let last = ((PAGES - 1) * PAGE) as u64;
    let (source, target) = (crate::support::buffer(PAGES), crate::support::buffer(PAGES));
    let map = in_kernel(&source);
    let writer = Child::fork(|parent| {
        for number in 1.. {
            map.mapped_write_u64(0, number).unwrap();
            map.mapped_write_u64(last, number).unwrap();
            if number == 1 {
                parent.say(0);
            }
        }
    });
    writer.hear();
    let seen = window(&target);
    for _ in 0..scaled(200) {
        let copied = source.copy_to(&target).run().unwrap();
        assert_eq!(copied.maps, 1, "the map in the kernel");
        let (first, last) = (seen.load_u64(0), seen.load_u64(last as usize));
        assert!(first == last || first == last + 1, "{first} and {last}");
    }
    assert_ne!(seen.load_u64(0), 0);
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}
