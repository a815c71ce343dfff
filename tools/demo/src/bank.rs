// SPDX-License-Identifier: MIT OR Apache-2.0

//! The database: the kernel's symbol table, and a bank whose money never changes in sum.

use anyhow::{Context, Result, ensure};
use redb::{
    Builder, Database, ReadableTable, ReadableTableMetadata, StorageBackend, TableDefinition,
};

/// Line number → line of the kernel's symbol table.
const SYMBOLS: TableDefinition<u64, &str> = TableDefinition::new("symbols");
/// Account → balance.
const ACCOUNTS: TableDefinition<u64, u64> = TableDefinition::new("accounts");
/// Writer → how many transactions it has committed.
const LEDGER: TableDefinition<u64, u64> = TableDefinition::new("ledger");

const ACCOUNT_COUNT: u64 = 10_000;
const OPENING_BALANCE: u64 = 1_000;
const TRANSFERS_PER_TRANSACTION: usize = 8;

/// Small, so that the memory is read as well as written.
const CACHE: usize = 4 << 20;

/// Bytes of memory that are enough for a bank with these symbols.
pub fn memory_needed(symbols: &str) -> u64 {
    // Pages are split in halves, a row has its key beside its text, and the database doubles in
    // length when it grows. What is not used costs nothing.
    (6 * symbols.len() as u64).next_multiple_of(1 << 20) + (16 << 20)
}

/// The database, open.
pub struct Bank(Database);

/// What every committed state must have, and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Rows of the symbol table.
    pub symbols: u64,
    /// Transactions of all writers.
    pub transactions: u64,
}

impl Bank {
    /// Opens what `storage` holds; as after a crash, if it was not closed. Makes an empty database
    /// of an empty storage.
    pub fn open(storage: impl StorageBackend) -> Result<Self> {
        let database = Builder::new().set_cache_size(CACHE).create_with_backend(storage)?;
        Ok(Self(database))
    }

    /// Fills the database, in one transaction.
    pub fn fill(&self, symbols: &str) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(SYMBOLS)?;
            for (number, line) in symbols.lines().enumerate() {
                table.insert(number as u64, line)?;
            }
            let mut table = transaction.open_table(ACCOUNTS)?;
            for account in 0..ACCOUNT_COUNT {
                table.insert(account, OPENING_BALANCE)?;
            }
            transaction.open_table(LEDGER)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Commits one transaction of `writer`: some money goes from account to account.
    pub fn transfer(&self, writer: u64) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut accounts = transaction.open_table(ACCOUNTS)?;
            for _ in 0..TRANSFERS_PER_TRANSACTION {
                let [from, to] = [(); 2].map(|()| fastrand::u64(..ACCOUNT_COUNT));
                let balance = balance(&accounts, from)?;
                let amount = fastrand::u64(..=balance);
                accounts.insert(from, balance - amount)?;
                let balance = self::balance(&accounts, to)?;
                accounts.insert(to, balance + amount)?;
            }
            let mut ledger = transaction.open_table(LEDGER)?;
            let committed = ledger.get(writer)?.map_or(0, |count| count.value());
            ledger.insert(writer, committed + 1)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Reads everything, and checks what every committed state must have: each symbol, and the sum
    /// of money. Where the symbols are given they must be these.
    pub fn check(&self, symbols: Option<&str>) -> Result<Contents> {
        let transaction = self.0.begin_read()?;

        let table = transaction.open_table(SYMBOLS)?;
        let mut lines = symbols.map(str::lines);
        let mut count = 0;
        for row in table.iter()? {
            let (number, line) = row?;
            ensure!(number.value() == count, "symbol {count} is missing");
            if let Some(lines) = &mut lines {
                ensure!(lines.next() == Some(line.value()), "symbol {count} is another");
            }
            count += 1;
        }
        ensure!(lines.is_none_or(|mut left| left.next().is_none()), "symbols are missing");
        ensure!(count == table.len()?, "{count} symbols instead of {}", table.len()?);

        let mut money = 0;
        for row in transaction.open_table(ACCOUNTS)?.iter()? {
            money += row?.1.value();
        }
        let all = ACCOUNT_COUNT * OPENING_BALANCE;
        ensure!(money == all, "the sum of all accounts is {money} instead of {all}");

        let mut transactions = 0;
        for row in transaction.open_table(LEDGER)?.iter()? {
            transactions += row?.1.value();
        }
        Ok(Contents { symbols: count, transactions })
    }

    /// How many transactions `writer` has committed.
    pub fn committed(&self, writer: u64) -> Result<u64> {
        let ledger = self.0.begin_read()?.open_table(LEDGER)?;
        Ok(ledger.get(writer)?.map_or(0, |count| count.value()))
    }
}

fn balance(accounts: &impl ReadableTable<u64, u64>, account: u64) -> Result<u64> {
    let balance = accounts.get(account)?.with_context(|| format!("no account {account}"))?;
    Ok(balance.value())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::storage::{MappedStorage, tests::memory};

    const SPACE: usize = 8 << 20;

    #[derive(Debug)]
    enum Change {
        Written { offset: u64, bytes: Vec<u8> },
        Resized { length: u64 },
    }

    /// Keeps every change of the storage.
    #[derive(Debug)]
    struct Recorder {
        storage: MappedStorage,
        changes: Arc<Mutex<Vec<Change>>>,
    }

    impl StorageBackend for Recorder {
        fn len(&self) -> io::Result<u64> {
            self.storage.len()
        }

        fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
            self.storage.read(offset, length)
        }

        fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            self.changes.lock().unwrap().push(Change::Written { offset, bytes: bytes.into() });
            self.storage.write(offset, bytes)
        }

        fn set_len(&self, length: u64) -> io::Result<()> {
            self.changes.lock().unwrap().push(Change::Resized { length });
            self.storage.set_len(length)
        }

        fn sync_data(&self, eventual: bool) -> io::Result<()> {
            self.storage.sync_data(eventual)
        }
    }

    fn symbols() -> String {
        (0..300)
            .map(|number| format!("{number:016x} T symbol_{number}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// What the demonstration rests on: whatever instant a copy shows, it is a database.
    #[test]
    fn the_memory_at_any_instant_is_a_database_in_a_committed_state() {
        let changes = Arc::<Mutex<Vec<Change>>>::default();
        let storage = MappedStorage::new(memory(SPACE));
        let bank = Bank::open(Recorder { storage: storage.clone(), changes: changes.clone() });
        let bank = bank.unwrap();
        bank.fill(&symbols()).unwrap();

        changes.lock().unwrap().clear();
        let replay = MappedStorage::new(memory(SPACE));
        let copy = |from: &MappedStorage, to: &MappedStorage| {
            to.set_len(from.len().unwrap()).unwrap();
            to.write(0, &from.read(0, from.len().unwrap() as usize).unwrap()).unwrap();
        };
        copy(&storage, &replay);
        for transaction in 0..3 {
            bank.transfer(transaction % 3).unwrap();
        }

        let mut last = 0;
        let mut look = || {
            let copied = MappedStorage::new(memory(SPACE));
            copy(&replay, &copied);
            let contents = Bank::open(copied).unwrap().check(Some(&symbols())).unwrap();
            assert!((last..=last + 1).contains(&contents.transactions));
            last = contents.transactions;
        };
        for change in changes.lock().unwrap().iter() {
            match change {
                Change::Written { offset, bytes } => {
                    // Also within one write, where the header's is in one of the two roots.
                    replay.write(*offset, &bytes[..bytes.len().min(80)]).unwrap();
                    look();
                    replay.write(*offset, bytes).unwrap();
                }
                Change::Resized { length } => replay.set_len(*length).unwrap(),
            }
            look();
        }
        assert_eq!(last, 3);
    }

    #[test]
    fn a_lost_row_is_noticed() {
        let bank = Bank::open(MappedStorage::new(memory(SPACE))).unwrap();
        bank.fill(&symbols()).unwrap();
        assert!(bank.check(Some(&symbols())).is_ok());

        let transaction = bank.0.begin_write().unwrap();
        transaction.open_table(SYMBOLS).unwrap().remove(7).unwrap();
        transaction.commit().unwrap();
        assert_eq!(bank.check(None).unwrap_err().to_string(), "symbol 7 is missing");
    }

    #[test]
    fn money_out_of_nothing_is_noticed() {
        let bank = Bank::open(MappedStorage::new(memory(SPACE))).unwrap();
        bank.fill(&symbols()).unwrap();
        let transaction = bank.0.begin_write().unwrap();
        transaction.open_table(ACCOUNTS).unwrap().insert(1, 2 * OPENING_BALANCE).unwrap();
        transaction.commit().unwrap();
        assert!(bank.check(None).unwrap_err().to_string().starts_with("the sum of all accounts"));
    }
}
