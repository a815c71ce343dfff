// SPDX-License-Identifier: GPL-2.0

//! Ids of objects, and how long objects live.
//!
//! An object is used by whoever holds a [`Strong`] to it: files and other objects. The registry and
//! the lists by which objects find each other hold plain `Arc`s, which keep an object's memory but
//! not the object: when the last `Strong` goes, the object [retires](Object::retire), which takes
//! it out of those lists, and nobody can get a `Strong` to it any more.
//!
//! Lock order: the registry's lock is innermost, held for moments.

use crate::pure::numbers::Numbers;
use core::ops::Deref;
use kernel::{
    prelude::*,
    rbtree::{RBTree, RBTreeNode},
    sync::{
        atomic::{Atomic, Full, Relaxed},
        Arc,
    },
};

/// The ids of all objects. They are never used again.
static IDS: Numbers = Numbers::after(Atomic::new(0));

/// What every object of the registry has.
pub(crate) struct Identity {
    id: u64,
    users: Atomic<usize>,
}

impl Identity {
    /// A new id, for an object with one user. `ENFILE` if there are no more.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            id: IDS.next().ok_or(ENFILE)?,
            users: Atomic::new(1),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// One more user, unless the last has gone.
    fn try_use(&self) -> bool {
        let mut users = self.users.load(Relaxed);

        while users != 0 {
            match self.users.cmpxchg(users, users.wrapping_add(1), Full) {
                Ok(_) => return true,
                Err(now) => users = now,
            }
        }
        false
    }
}

/// An object with an id and users.
pub(crate) trait Object {
    fn identity(&self) -> &Identity;

    /// The last user has gone. May sleep.
    fn retire(&self);
}

/// A use of an object.
pub(crate) struct Strong<T: Object>(Arc<T>);

impl<T: Object> Strong<T> {
    /// The first use of a new object.
    pub(crate) fn first(object: Arc<T>) -> Self {
        Self(object)
    }

    /// The object's memory, for a list that `retire` takes it out of.
    pub(crate) fn arc(&self) -> &Arc<T> {
        &self.0
    }

    /// Whether both are uses of one object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Object> Clone for Strong<T> {
    fn clone(&self) -> Self {
        self.0.identity().users.fetch_add(1, Relaxed);
        Self(self.0.clone())
    }
}

impl<T: Object> Deref for Strong<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Object> Drop for Strong<T> {
    fn drop(&mut self) {
        if self.0.identity().users.fetch_sub(1, Full) == 1 {
            self.0.retire();
        }
    }
}

/// The objects of one type, by id.
///
/// The tree is made with its first object: `RBTree::new` is not `const`.
pub(crate) struct Registry<T: Object>(Option<RBTree<u64, Arc<T>>>);

impl<T: Object> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Room for an object; made before the lock is taken, for it allocates.
    pub(crate) fn node(object: &Arc<T>) -> Result<RBTreeNode<u64, Arc<T>>> {
        RBTreeNode::new(object.identity().id(), object.clone(), GFP_KERNEL_ACCOUNT)
    }

    pub(crate) fn insert(&mut self, node: RBTreeNode<u64, Arc<T>>) {
        self.0.get_or_insert_with(RBTree::new).insert(node);
    }

    /// Takes an object out; the caller drops it without the lock.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Arc<T>> {
        self.0.as_mut()?.remove(&id)
    }

    /// A use of the object with this id; `ENOENT` if there is none, or its last use just ended.
    pub(crate) fn get(&self, id: u64) -> Result<Strong<T>> {
        let object = self
            .0
            .as_ref()
            .and_then(|tree| tree.get(&id))
            .ok_or(ENOENT)?;

        if object.identity().try_use() {
            Ok(Strong(object.clone()))
        } else {
            Err(ENOENT)
        }
    }

    /// The smallest id above `id`.
    pub(crate) fn next(&self, id: u64) -> Option<u64> {
        self.0
            .as_ref()?
            .cursor_lower_bound(&id.checked_add(1)?)
            .map(|cursor| *cursor.current().0)
    }
}
