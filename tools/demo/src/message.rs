// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the two processes tell each other.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the observer asks of the owner.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// To answer with [`Reply::Progress`], when so many transactions have been committed since the
    /// last answer.
    Progress {
        /// How many.
        transactions: u64,
    },
    /// To stop the writers, check everything and answer with [`Reply::Finished`].
    Finish,
}

/// What the owner answers. It begins with [`Reply::Ready`], unasked.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The database is filled, the writers run. With it come the file descriptors of its memory and
    /// its map.
    Ready(Ready),
    /// How far the writers have got.
    Progress(Progress),
    /// The writers have stopped, and everything is there.
    Finished(Finished),
    /// Something went wrong.
    Failed(String),
}

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// Rows of the symbol table.
    pub symbols: u64,
    /// How long it took to fill.
    pub filled_in: Duration,
}

/// How far the writers have got.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// Committed so far.
    pub transactions: u64,
    /// The longest that one access to the memory took since the last answer.
    pub longest_access: Duration,
}

/// What is there at the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finished {
    /// Rows of the symbol table, each as it was put in.
    pub symbols: u64,
    /// Transactions that each writer committed, each of them in the database.
    pub writers: Vec<u64>,
}

/// What the observer asks of an assistant, once; the answer is nothing but that it is done. With it
/// comes the file descriptor of a map.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// To suspend the map, and to stay until it is killed.
    Suspend(Policy),
    /// To read the map, whatever comes of it.
    Read,
}

/// What becomes of a suspension whose controller is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// It stays.
    Stay,
    /// Who waits gets SIGBUS.
    Sigbus,
    /// It ends.
    Resume,
}

impl Policy {
    /// What is seen of it; a time follows.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Stay => "writers waited on, until another process resumed them after",
            Self::Sigbus => "who waited got SIGBUS, after",
            Self::Resume => "writers went on by themselves, on the memory they had, after",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stay => "stay",
            Self::Sigbus => "sigbus",
            Self::Resume => "resume",
        })
    }
}
