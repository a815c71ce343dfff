// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies of a database's memory, and whether they are databases.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use iomd::{Client, Descriptor, Mapping};

use crate::bank::{Bank, Contents};
use crate::source::Source;
use crate::storage::MappedStorage;

/// Memory that copies go to, one after the other.
pub struct Copy {
    /// The memory.
    pub descriptor: Descriptor,
    /// The same, mapped.
    pub memory: Arc<Mapping>,
}

impl Copy {
    /// Memory for copies of `source`.
    pub fn of(client: &Client, source: &Source) -> Result<Self> {
        let descriptor = client.sparse_buffer(source.descriptor.info()?.length)?;
        let memory = descriptor.map().keep(true).create()?.mmap()?.into();
        Ok(Self { descriptor, memory })
    }

    /// Bytes, from the start, that the copy's database uses.
    pub fn used(&self) -> u64 {
        MappedStorage::new(self.memory.clone()).used()
    }

    /// Opens the copy as a database, as after a crash, and reads all of it; so many transactions
    /// were committed before it was taken. An error says in what way it is no copy of a database.
    pub fn check(&self, transactions: u64) -> Result<Contents> {
        let storage = MappedStorage::new(self.memory.clone());
        // A copy can be torn in a way that the database did not think of. Then it panics.
        let hook = take_hook();
        set_hook(Box::new(|_| {}));
        let result = catch_unwind(AssertUnwindSafe(|| Bank::open(storage)?.check(None)));
        set_hook(hook);

        let contents = result.unwrap_or_else(|panic| bail!("{}", message(&*panic)))?;
        ensure!(
            contents.transactions >= transactions,
            "it has {} transactions, but {transactions} were committed before it was taken",
            contents.transactions
        );
        Ok(contents)
    }
}

/// What a panic said.
fn message(panic: &dyn Any) -> &str {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it made the database panic")
}
