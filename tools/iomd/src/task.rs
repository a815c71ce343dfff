// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tasks: address spaces that are mapped into.

use std::os::fd::OwnedFd;

use iomd_sys as sys;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::call::{Argument, call, received};
use crate::error::Asked;
use crate::handle::handle;
use crate::{Request, Result};

/// The right to map into the address space of a process: Mach's task port.
///
/// A process makes one of itself and hands it to whom it trusts. After the process has exited or
/// called exec it is dead, and does not come alive again.
#[derive(Debug)]
pub struct Task(OwnedFd);

handle!(Task);

impl Task {
    /// Its process, in the caller's pid namespace, 0 for one that is not there; `None` if the task is
    /// dead.
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the file is not a task.
    pub fn process(&self) -> Result<Option<i32>> {
        let info = call(self, sys::iomd_task_info::sized()).asked(|| Request::TaskInfo)?;
        Ok((info.flags & sys::IOMD_TASK_DEAD == 0).then_some(info.pid))
    }
}

/// See [`Client::own_task`](crate::Client::own_task).
pub(crate) fn open_own(client: impl AsFd) -> Result<Task> {
    open(client, 0).asked(|| Request::OpenTask { pid: 0 })
}

/// See [`Client::task`](crate::Client::task).
pub(crate) fn open_process(client: impl AsFd, pid: i32) -> Result<Task> {
    as_long_as_it_is(pid, || open(client, pid)).asked(|| Request::OpenTask { pid })
}

/// Does something by the number of a process. `ESRCH` unless the number was that process's all the
/// while: one that has exited can have another for a successor.
fn as_long_as_it_is<T>(
    pid: i32,
    work: impl FnOnce() -> std::result::Result<T, Errno>,
) -> std::result::Result<T, Errno> {
    let process = Some(pid).filter(|&pid| pid > 0).and_then(Pid::from_raw);
    let pidfd = pidfd_open(process.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    let done = work()?;
    // Readable once it has exited.
    let mut files = [PollFd::new(&pidfd, PollFlags::IN)];
    match poll(&mut files, Some(&Timespec::default()))? {
        0 => Ok(done),
        _ => Err(Errno::SRCH),
    }
}

fn open(client: impl AsFd, pid: i32) -> std::result::Result<Task, Errno> {
    let opened = call(client, sys::iomd_task_open { pid, ..Argument::sized() })?;
    // SAFETY: the call has succeeded.
    Ok(Task(unsafe { received(opened.fd) }))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_was_opened_of_a_process_that_has_exited_meanwhile_is_not_its_own() {
        let mut process = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(process.id()).unwrap();
        assert_eq!(as_long_as_it_is(pid, || Ok(1)), Ok(1));
        let done = as_long_as_it_is(pid, || {
            // From here on the number can be anybody's.
            drop(process.stdin.take());
            process.wait().unwrap();
            Ok(1)
        });
        assert_eq!(done, Err(Errno::SRCH));
    }

    #[test]
    fn what_is_no_process_is_not_looked_for() {
        for pid in [0, -1, i32::MIN] {
            assert_eq!(as_long_as_it_is(pid, || Ok(1)), Err(Errno::SRCH));
        }
    }
}
