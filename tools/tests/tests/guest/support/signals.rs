// SPDX-License-Identifier: MIT OR Apache-2.0

//! Signal handlers, of children.

use std::ffi::c_int;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::process::Signal;

use super::{Channel, Region};

/// Where the handler says that it ran.
static CHANNEL: AtomicPtr<Channel> = AtomicPtr::new(ptr::null_mut());

/// What it says.
pub const HANDLED: u64 = 0x5167;

/// Says [`HANDLED`] to the parent whenever the signal comes.
pub fn report(signal: Signal, channel: &Channel) {
    install(signal, channel, 0);
}

/// As [`report`], on the signal stack.
pub fn report_on_stack(signal: Signal, channel: &Channel, stack: Region) {
    let stack = libc::stack_t { ss_sp: stack.as_ptr(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: nothing else lives in a region, and the child keeps it to its end.
    let set = unsafe { libc::sigaltstack(&stack, ptr::null_mut()) };
    assert_eq!(set, 0);
    install(signal, channel, libc::SA_ONSTACK);
}

/// Takes Rust's own handler away, with which the first SIGBUS of a process lets the access happen
/// again.
pub fn die_of(signal: Signal) {
    // SAFETY: nothing runs in a handler any more.
    let before = unsafe { libc::signal(signal.as_raw(), libc::SIG_DFL) };
    assert_ne!(before, libc::SIG_ERR);
}

fn install(signal: Signal, channel: &Channel, flags: c_int) {
    CHANNEL.store(ptr::from_ref(channel).cast_mut(), Ordering::Relaxed);
    // SAFETY: all zeros are an action: no signal masked.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as extern "C" fn(c_int) as usize;
    action.sa_flags = flags | libc::SA_RESTART;
    // SAFETY: the handler does nothing but a system call.
    let set = unsafe { libc::sigaction(signal.as_raw(), &action, ptr::null_mut()) };
    assert_eq!(set, 0);
}

extern "C" fn handle(_signal: c_int) {
    // SAFETY: a child's channel lives until the child ends.
    if let Some(channel) = unsafe { CHANNEL.load(Ordering::Relaxed).as_ref() } {
        channel.say(HANDLED);
    }
}
