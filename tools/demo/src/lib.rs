// SPDX-License-Identifier: MIT OR Apache-2.0

//! A database in use is copied and moved by another process.
//!
//! The one process, [`own`], has a database in iomd's memory, and threads that write to it all the
//! time. The other, [`observe`], copies that memory, first as anyone would, then through iomd, and
//! looks whether what it got is a database; then it moves the memory. At last a third, that [assist]s,
//! suspends the memory and is killed.

mod abandoned;
mod assistant;
mod assistant_process;
mod bank;
mod channel;
mod copy;
mod message;
mod observer;
mod owner;
mod owner_process;
mod report;
mod source;
mod storage;
mod writers;

pub use assistant::assist;
pub use message::Policy;
pub use observer::{Options, observe};
pub use owner::own;
pub use report::{Abandoned, Copies, Moves, Report};
