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
    let opened = || {
        let process = Some(pid).filter(|&pid| pid > 0).and_then(Pid::from_raw);
        let process = process.ok_or(Errno::SRCH)?;
        let pidfd = pidfd_open(process, PidfdFlags::empty())?;
        let task = open(client, pid)?;
        // If the process is there still, the number was its own all the while.
        let mut files = [PollFd::new(&pidfd, PollFlags::IN)];
        match poll(&mut files, Some(&Timespec::default()))? {
            0 => Ok(task),
            _ => Err(Errno::SRCH),
        }
    };
    opened().asked(|| Request::OpenTask { pid })
}

fn open(client: impl AsFd, pid: i32) -> std::result::Result<Task, Errno> {
    let opened = call(client, sys::iomd_task_open { pid, ..Argument::sized() })?;
    // SAFETY: the call has succeeded.
    Ok(Task(unsafe { received(opened.fd) }))
}
