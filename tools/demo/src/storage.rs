// SPDX-License-Identifier: MIT OR Apache-2.0

//! A database's storage in a mapping.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use iomd::Mapping;
use redb::StorageBackend;

/// The database begins after a page of our own.
const HEADER: usize = 4096;
/// Where in that page the database's length is: it must be in the memory, so that a copy of the
/// memory is a copy of the database.
const LENGTH: usize = 0;

/// A database's storage in a mapping.
#[derive(Debug, Clone)]
pub struct MappedStorage {
    memory: Arc<Mapping>,
    longest_access: Arc<AtomicU64>,
}

impl MappedStorage {
    /// The storage that `memory` holds; zeroed memory holds an empty one.
    pub fn new(memory: Arc<Mapping>) -> Self {
        Self { memory, longest_access: Arc::default() }
    }

    /// The longest that one access has taken since this was last asked.
    pub fn take_longest_access(&self) -> Duration {
        Duration::from_nanos(self.longest_access.swap(0, Ordering::Relaxed))
    }

    /// Bytes, from the memory's start, that are in use.
    pub fn used(&self) -> u64 {
        HEADER as u64 + self.length()
    }

    /// Where the bytes are in the memory, if they are all in the database.
    fn place(&self, offset: u64, length: usize) -> io::Result<usize> {
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length()) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{length} bytes at {offset} are beyond the end, {}", self.length()),
            ));
        }
        Ok(HEADER + offset as usize)
    }

    /// The database's length: never more than there is room for, even in a copy that is torn.
    fn length(&self) -> u64 {
        self.memory.load_u64_ordered(LENGTH, Ordering::Acquire).min(self.room())
    }

    fn room(&self) -> u64 {
        (self.memory.len() - HEADER) as u64
    }

    /// Every access is within this: also that to the length may wait.
    fn timed<T>(&self, access: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = access();
        // Less than 2^64 ns: 584 years.
        self.longest_access.fetch_max(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }
}

impl StorageBackend for MappedStorage {
    fn len(&self) -> io::Result<u64> {
        self.timed(|| Ok(self.length()))
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.timed(|| {
            let place = self.place(offset, length)?;
            let mut bytes = vec![0; length];
            self.memory.read_bytes(place, &mut bytes);
            Ok(bytes)
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.timed(|| {
            self.memory.write_bytes(self.place(offset, bytes.len())?, bytes);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if length > self.room() {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("{length} bytes do not fit into {}", self.room()),
            ));
        }
        // What comes into the database is zero, also where it was in it before.
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let mut end = self.length();
        while end < length {
            let zeros = &ZEROS[..ZEROS.len().min((length - end) as usize)];
            self.memory.write_bytes(HEADER + end as usize, zeros);
            end += zeros.len() as u64;
        }
        self.memory.store_u64_ordered(LENGTH, length, Ordering::Release);
        Ok(())
    }

    /// Memory has nothing to be synced to. What must hold is that no write after this is in a copy
    /// without the writes before.
    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        fence(Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Fresh memory.
    pub fn memory(length: usize) -> Arc<Mapping> {
        Arc::new(Mapping::anonymous(length).unwrap())
    }

    #[test]
    fn the_length_is_in_the_memory() {
        let memory = memory(1 << 20);
        let storage = MappedStorage::new(memory.clone());
        assert_eq!(storage.len().unwrap(), 0);
        storage.set_len(10).unwrap();
        storage.write(8, &[1, 2]).unwrap();
        let other = MappedStorage::new(memory);
        assert_eq!(other.read(0, 10).unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn what_comes_into_the_database_is_zero() {
        let storage = MappedStorage::new(memory(1 << 20));
        storage.set_len(200_000).unwrap();
        storage.write(0, &vec![0xff; 200_000]).unwrap();
        storage.set_len(3).unwrap();
        storage.set_len(200_000).unwrap();
        let bytes = storage.read(0, 200_000).unwrap();
        assert!(bytes[..3].iter().all(|&byte| byte == 0xff));
        assert!(bytes[3..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn what_is_beyond_the_end_is_refused() {
        let storage = MappedStorage::new(memory(1 << 20));
        assert!(storage.set_len(1 << 20).is_err());
        storage.set_len(100).unwrap();
        assert!(storage.read(99, 2).is_err());
        assert!(storage.write(u64::MAX, &[0]).is_err());
    }

    #[test]
    fn a_torn_length_stays_inside() {
        let memory = memory(1 << 20);
        memory.store_u64(0, u64::MAX);
        let storage = MappedStorage::new(memory);
        assert_eq!(storage.used(), 1 << 20);
    }
}
