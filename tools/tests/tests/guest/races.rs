// SPDX-License-Identifier: MIT OR Apache-2.0

//! Everything at the same time: controllers against each other, accesses against controllers. What
//! is asserted is that everybody gets to the end, and that nobody sees what was never there.

use iomd::{Descriptor, Map};
use rustix::process::Signal;

use crate::support::{
    Child, End, PAGE, Region, await_waiters, painted, scaled, unique, unique_shared,
};

const PAGES: usize = 4;
const TAGS: [u64; 3] = [0x0100, 0x0200, 0x0300];

fn memories() -> [Descriptor; 3] {
    TAGS.map(|tag| painted(PAGES, tag))
}

/// Asserts that a word is one of those that its page ever had.
fn assert_known(word: u64, page: usize) {
    assert!(TAGS.iter().any(|tag| tag + page as u64 == word), "page {page} has {word:#x}");
}

/// A process that does something again and again until it is dismissed.
fn again_and_again(mut work: impl FnMut(u64)) -> Child {
    Child::fork(|parent| {
        parent.say(0);
        for time in 0.. {
            work(time);
            if parent.is_ready(std::time::Duration::ZERO) {
                return;
            }
        }
    })
}

/// Processes that are done after so many times each.
fn all_of(work: &[&dyn Fn(u64)], times: u64) -> Vec<Child> {
    let start = |work: &&dyn Fn(u64)| {
        Child::fork(|parent| {
            // In parts, so that the test sees that it goes on.
            for part in 0..10 {
                for time in 0..times.div_ceil(10) {
                    work(part * times + time);
                }
                parent.say(0);
            }
        })
    };
    work.iter().map(start).collect()
}

fn await_all(children: Vec<Child>) {
    for child in &children {
        for _ in 0..10 {
            child.hear();
        }
    }
    children.into_iter().for_each(Child::succeed);
}

fn dismiss(child: Child) {
    child.hear();
    child.say(0);
    child.succeed();
}

fn reader(map: &Map) -> Child {
    let mut region = None;
    again_and_again(move |time| {
        let region = region.get_or_insert_with(|| Region::from(map.mmap().unwrap()));
        let page = time as usize % PAGES;
        assert_known(region.read(page * PAGE), page);
    })
}

#[test]
fn controllers_race_with_each_other_and_with_accesses() {
    let memories = memories();
    let map = unique_shared(&memories[0]);
    let readers = [reader(&map), reader(&map)];
    let redirect = |time| drop_result(map.redirect(&memories[time as usize % 3]).run());
    let suspend = |_| {
        map.suspend().unwrap();
        map.resume().unwrap();
    };
    let resume = |_| map.resume().unwrap();
    await_all(all_of(&[&redirect, &suspend, &redirect, &resume], scaled(3000)));
    map.resume().unwrap();
    readers.map(dismiss);
    let info = map.info().unwrap();
    assert_eq!((info.suspended, info.waiters), (false, 0));
    assert_eq!(info.redirects, 2 * scaled(3000).div_ceil(10) * 10);
}

fn drop_result<T>(result: iomd::Result<T>) {
    result.unwrap();
}

#[test]
fn two_maps_change_places_while_a_copy_is_taken() {
    let memories = memories();
    let target = painted(PAGES, 0);
    let maps = [unique(&memories[0]), unique(&memories[1])];
    let readers = maps.each_ref().map(reader);
    let may_be_busy = |result: iomd::Result<()>| {
        if let Err(error) = result {
            assert_eq!(error.errno(), iomd::Errno::BUSY);
        }
    };
    let move_to = |map: &Map, number: u64| {
        may_be_busy(map.redirect(&memories[number as usize % 3]).run().map(drop));
    };
    let first = |time| move_to(&maps[0], time);
    let second = |time| move_to(&maps[1], time + 1);
    let copy = |time| {
        may_be_busy(memories[time as usize % 3].copy_to(&target).run().map(drop));
    };
    await_all(all_of(&[&first, &second, &copy], scaled(3000)));
    readers.map(dismiss);
    for (memory, tag) in memories.iter().zip(TAGS) {
        crate::support::assert_painted(memory, tag);
    }
}

#[test]
fn processes_come_and_go() {
    let memories = memories();
    let map = unique_shared(&memories[0]);
    let memory = map.mmap().unwrap();
    let fork = |_| {
        let child = Child::fork(|_| {
            for page in 0..PAGES {
                assert_known(memory.load_u64(page * PAGE), page);
            }
        });
        child.succeed();
    };
    let remap = |_| {
        let region = Region::from(map.mmap().unwrap());
        assert_known(region.read(0), 0);
        region.pages(1..2).unmap().unwrap();
        let moved = region.pages(2..4).moved();
        assert_known(moved.read(0), 2);
        moved.unmap().unwrap();
        region.pages(0..1).unmap().unwrap();
    };
    let mut number = 0;
    let redirector = again_and_again(|_| {
        number += 1;
        map.redirect(&memories[number % 3]).run().unwrap();
    });
    await_all(all_of(&[&fork, &remap], scaled(300)));
    dismiss(redirector);
}

#[test]
fn an_access_races_with_the_end() {
    let memory = painted(PAGES, TAGS[0]);
    for _ in 0..scaled(200) {
        let map = unique_shared(&memory);
        let toucher = toucher(&map);
        drop(map);
        assert_eq!(toucher.end(), End::Killed(Signal::BUS));
    }
}

/// A process that touches a map until that kills it, and holds no file descriptor of it.
fn toucher(map: &Map) -> Child {
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.close_all_others();
        parent.say(0);
        for page in (0..PAGES).cycle() {
            assert_known(region.read(page * PAGE), page);
        }
    });
    child.hear();
    child
}

#[test]
fn a_redirect_races_with_the_end() {
    let memories = memories();
    for _ in 0..scaled(200) {
        let map = unique(&memories[0]);
        let toucher = toucher(&map);
        map.suspend().unwrap();
        let redirector = Child::fork(|parent| {
            parent.say(0);
            map.redirect(&memories[1]).run().unwrap();
        });
        redirector.hear();
        map.unmap().unwrap();
        redirector.succeed();
        assert_eq!(toucher.end(), End::Killed(Signal::BUS));
        await_waiters(&map, 0);
    }
}

#[test]
fn killed_controllers_leave_the_map_usable() {
    let memories = memories();
    let map = unique_shared(&memories[0]);
    let reader = reader(&map);
    for _ in 0..scaled(100) {
        let controllers = [(); 2].map(|()| {
            Child::fork(|parent| {
                parent.say(0);
                for time in 0.. {
                    map.redirect(&memories[time % 3]).run().unwrap();
                }
            })
        });
        for controller in &controllers {
            controller.hear();
        }
        controllers.map(|controller| assert_eq!(controller.kill(), End::Killed(Signal::KILL)));
    }
    let info = map.info().unwrap();
    assert!(!info.suspended && !info.ended);
    dismiss(reader);
    map.redirect(&memories[2]).run().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), TAGS[2]);
}

#[test]
fn a_system_call_never_fails_because_of_a_redirect() {
    let memories = memories();
    let map = unique_shared(&memories[0]);
    let mut region = None;
    let file = rustix::fs::memfd_create("file", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let writer = again_and_again(|_| {
        let region = region.get_or_insert_with(|| Region::from(map.mmap().unwrap()));
        // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
        let bytes =
            unsafe { std::slice::from_raw_parts(region.as_ptr().cast::<u8>(), region.len()) };
        assert_eq!(rustix::io::pwrite(&file, bytes, 0), Ok(bytes.len()));
        for page in 0..PAGES {
            let mut word = [0; 8];
            rustix::io::pread(&file, &mut word, (page * PAGE) as u64).unwrap();
            assert_known(u64::from_ne_bytes(word), page);
        }
    });
    let redirect = |time| drop_result(map.redirect(&memories[time as usize % 3]).run());
    await_all(all_of(&[&redirect], scaled(5000)));
    dismiss(writer);
}
