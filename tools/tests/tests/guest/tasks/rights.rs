// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who may map into whom, and until when.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use iomd::{Errno, Task};
use iomd_sys as sys;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::{TAG, read, target};
use crate::support::privileges::WITHOUT_PTRACE;
use crate::support::{Child, PAGE, Region, buffer, client, eventually, painted, raw, unique};

#[test]
fn any_process_by_its_number_with_the_capability() {
    let map = unique(&painted(1, TAG));
    let (child, own) = target();
    drop(own);
    let pid = child.pid().as_raw_nonzero().get();
    let task = client().task(pid).unwrap();
    assert_eq!(task.process(), Ok(Some(pid)));
    let address = map.map_into(&task).run().unwrap();
    assert_eq!(read(&child, address), TAG);
}

#[test]
fn a_file_descriptor_that_is_fetched_is_as_good() {
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        let task = client().own_task().unwrap();
        parent.say(task.as_fd().as_raw_fd() as u64);
        let address = parent.hear();
        parent.say(Region::at(address as usize, PAGE).read(0));
    });
    let number = child.hear() as i32;
    let process = pidfd_open(child.pid(), PidfdFlags::empty()).unwrap();
    let task = Task::from(pidfd_getfd(process, number, PidfdGetfdFlags::empty()).unwrap());
    child.say(map.map_into(&task).run().unwrap());
    assert_eq!(child.hear(), TAG);
    child.succeed();
}

#[test]
fn none_by_its_number_without_it() {
    let (child, _task) = target();
    let pid = child.pid().as_raw_nonzero().get();
    for (who, lose) in WITHOUT_PTRACE {
        let stranger = Child::fork(|_| {
            let client = client();
            lose();
            let refused = client.task(pid).unwrap_err();
            assert_eq!(refused.errno(), Errno::PERM, "{who}");
            // Not even its own, which it may open without a number.
            let own = getpid().as_raw_nonzero().get();
            assert_eq!(client.task(own).unwrap_err().errno(), Errno::PERM, "{who}");
            client.own_task().unwrap();
        });
        stranger.succeed();
    }
}

#[test]
fn a_number_that_is_no_process() {
    let child = Child::fork(|_| ());
    let pid = child.pid().as_raw_nonzero().get();
    child.succeed();
    for pid in [pid, -1, i32::MIN, i32::MAX] {
        let mut open = sys::iomd_task_open {
            size: raw::size::<sys::iomd_task_open>(),
            pid,
            ..Default::default()
        };
        assert_eq!(raw::call(client(), sys::IOMD_TASK_OPEN, &mut open), Err(Errno::SRCH), "{pid}");
        assert_eq!(client().task(pid).unwrap_err().errno(), Errno::SRCH, "{pid}");
    }
    // A kernel thread has no memory.
    assert_eq!(client().task(2).unwrap_err().errno(), Errno::SRCH);
}

#[track_caller]
fn assert_dead(task: &Task) {
    eventually("the task is dead", || task.process() == Ok(None));
    let map = unique(&painted(1, TAG));
    assert_eq!(map.map_into(task).run().unwrap_err().errno(), Errno::SRCH);
    assert_eq!(map.info().unwrap().address, None);
}

#[test]
fn exit_ends_it() {
    let (child, task) = target();
    child.kill();
    assert_dead(&task);
}

#[test]
fn exec_ends_it() {
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        parent.hear();
        // Its end of the channel stays open, so that it lives until it is killed.
        panic!("{}", Command::new("sleep").arg("1000000").exec());
    });
    let task = child.receive::<Task>();
    map.map_into(&task).run().unwrap();
    assert!(map.info().unwrap().address.is_some());
    child.say(0);
    assert_dead(&task);
    eventually("the mapping is gone too", || map.info().unwrap().address.is_none());
    assert_eq!(map.info().unwrap().task, None);
    map.redirect(&painted(1, TAG)).run().unwrap();
    child.kill();
}

#[test]
fn it_is_of_the_process_and_not_of_its_child() {
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        let grandchild = Child::fork(|_| {
            parent.hear();
        });
        // The parent of the two goes first.
        std::mem::forget(grandchild);
    });
    let task = child.receive();
    eventually("the task is dead", || task_is_dead(&task));
    assert_eq!(map.map_into(&task).run().unwrap_err().errno(), Errno::SRCH);
    child.say(0);
}

fn task_is_dead(task: &Task) -> bool {
    task.process() == Ok(None)
}

#[test]
fn what_is_no_task_is_refused() {
    let memory = buffer(1);
    let map = unique(&memory);
    let into = |task: i32| {
        raw::refused(
            &map,
            sys::IOMD_MAP_INTO_TASK,
            sys::iomd_map_into_task {
                size: raw::size::<sys::iomd_map_into_task>(),
                task,
                ..Default::default()
            },
        )
    };
    assert_eq!(into(memory.as_fd().as_raw_fd()), Errno::INVAL);
    assert_eq!(into(map.as_fd().as_raw_fd()), Errno::INVAL);
    assert_eq!(into(-1), Errno::BADF);
}

#[test]
fn what_is_wrong_maps_nothing() {
    let map = unique(&painted(4, TAG));
    let (child, task) = target();
    let before = crate::support::proc::mappings(child.pid()).len();
    let page = PAGE as u64;
    for (offset, length, errno) in [
        (1, page, Errno::INVAL),
        (4 * page, 0, Errno::RANGE),
        (3 * page, page + 1, Errno::RANGE),
        (page, u64::MAX - page + 1, Errno::OVERFLOW),
    ] {
        let refused = map.map_into(&task).range(offset, length).run().unwrap_err();
        assert_eq!(refused.errno(), errno, "{length} from {offset}");
    }
    for (address, errno) in [(page + 1, Errno::INVAL), (u64::MAX & !(page - 1), Errno::NOMEM)] {
        let refused = map.map_into(&task).at(address).run().unwrap_err();
        assert_eq!(refused.errno(), errno, "at {address:#x}");
    }
    map.unmap().unwrap();
    assert_eq!(map.map_into(&task).run().unwrap_err().errno(), Errno::NODEV);
    assert_eq!(crate::support::proc::mappings(child.pid()).len(), before);
}
