// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the two processes tell each other.

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
