// SPDX-License-Identifier: MIT OR Apache-2.0

//! Forked processes, which do as they are told.

use std::os::fd::OwnedFd;

use anyhow::{Context, Result, ensure};
use rustix::io::{read, write};
use rustix::pipe::pipe;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// A forked process. It ends with this.
pub struct Process {
    pid: Pid,
    orders: OwnedFd,
    reports: OwnedFd,
}

impl Process {
    /// Forks one, which for each order does that, and has done it once before this returns. It must
    /// not return, nor allocate memory where there are other threads.
    pub fn new(mut work: impl FnMut() -> Result<()>) -> Result<Self> {
        let (orders_here, orders) = pipe()?;
        let (reports, reports_here) = pipe()?;
        // SAFETY: the child uses what it inherits, and leaves by _exit alone.
        match unsafe { libc::fork() } {
            0 => {
                drop((orders, reports));
                let mut order = [0];
                loop {
                    if work().is_err() || write(&reports_here, &order).is_err() {
                        break;
                    }
                    match read(&orders_here, &mut order) {
                        Ok(1) => {}
                        _ => break,
                    }
                }
                // SAFETY: nothing is to be cleaned up.
                unsafe { libc::_exit(0) }
            }
            pid => {
                let pid = Pid::from_raw(pid).filter(|_| pid > 0).context("fork")?;
                let process = Self { pid, orders, reports };
                drop((orders_here, reports_here));
                process.wait()?;
                Ok(process)
            }
        }
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Tells it to do it.
    pub fn order(&self) -> Result<()> {
        write(&self.orders, &[0])?;
        Ok(())
    }

    /// Waits until it has done it.
    pub fn wait(&self) -> Result<()> {
        ensure!(read(&self.reports, &mut [0; 1])? == 1, "the process failed");
        Ok(())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.signal(Signal::KILL);
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
    }
}
