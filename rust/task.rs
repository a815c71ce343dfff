// SPDX-License-Identifier: GPL-2.0

//! Tasks (Mach's task port): the right to map into an address space.
//!
//! It is the address space that it names, and not who is in it: after exit or exec it is dead. A task
//! of the process itself does the mapping, on its way to user space, so that its own limits,
//! credentials and security hooks count.

use crate::{
    os::{
        address_space::{map_file, KeptAddressSpace, Mapping},
        global::global_mutex,
        task::Pid,
        task_work::{self, TaskWork},
        wait::{new_wait_queue, Deadline, Sleep, WaitQueue},
    },
    registry::{Identity, Object, Registry, Strong},
};
use core::mem::replace;
use kernel::{
    fs::File,
    new_spinlock,
    prelude::*,
    sync::{aref::ARef, Arc, SpinLock},
};

global_mutex! {
    static TASKS: Mutex<Registry<Task>> = Registry::new();
    /// Makes the registry of tasks usable, which is for debugfs alone.
    fn init_registry
}

/// See the module's documentation.
pub(crate) struct Task {
    identity: Identity,
    address_space: KeptAddressSpace,
    process: Pid,
}

impl Task {
    /// The caller's own. `EINVAL` for a kernel thread; `ENOMEM`.
    pub(crate) fn current() -> Result<Strong<Self>> {
        Self::new(
            KeptAddressSpace::current()?,
            Pid::current_process().ok_or(EINVAL)?,
        )
    }

    /// That of the process that the caller knows by this number. `ESRCH` if there is none; `ENOMEM`.
    pub(crate) fn of_process(number: i32) -> Result<Strong<Self>> {
        let process = Pid::find(number).ok_or(ESRCH)?;

        Self::new(KeptAddressSpace::of_process(&process)?, process)
    }

    fn new(address_space: KeptAddressSpace, process: Pid) -> Result<Strong<Self>> {
        let task = Strong::first(Arc::new(
            Self {
                identity: Identity::new()?,
                address_space,
                process,
            },
            GFP_KERNEL_ACCOUNT,
        )?);
        let node = Registry::node(task.arc())?;

        TASKS.lock().insert(node);
        Ok(task)
    }

    /// The task with this id; `ENOENT`.
    pub(crate) fn by_id(id: u64) -> Result<Strong<Self>> {
        TASKS.lock().get(id)
    }

    /// The smallest id of a task above `id`.
    pub(crate) fn next_id(id: u64) -> Option<u64> {
        TASKS.lock().next(id)
    }

    /// Its process, in the caller's pid namespace, 0 if it is not there; `None` if it is dead.
    pub(crate) fn process(&self) -> Option<i32> {
        self.address_space
            .is_used_by(&self.process)
            .then(|| self.process.number())
    }

    pub(crate) fn address_space(&self) -> &KeptAddressSpace {
        &self.address_space
    }

    /// Maps a file into it; says where. `own` is the file that this task belongs to.
    ///
    /// `ESRCH` if it is dead; `ETIMEDOUT` if none of its threads came by until the deadline, if they
    /// are stopped, or wait in the kernel for what a signal does not end; `EINTR` if a signal came
    /// first; else the errors of mmap(2). Nothing is mapped then.
    pub(crate) fn map(
        &self,
        own: ARef<File>,
        file: ARef<File>,
        mapping: Mapping,
        deadline: Deadline,
    ) -> Result<usize> {
        self.run(own, FileMapping { file, mapping }, deadline)
    }

    /// Has one of its threads do some work; says what came of it. In the caller's own task that is the
    /// caller, who then does it at once. Errors as of [`Task::map`], or those of the work.
    pub(crate) fn run<W: Work>(
        &self,
        own: ARef<File>,
        work: W,
        deadline: Deadline,
    ) -> Result<usize> {
        if self.address_space.is_current() {
            return work.run();
        }
        let errand = Arc::pin_init(Errand::new(self.address_space.number(), work), GFP_KERNEL)?;

        task_work::submit(errand.clone(), own, &self.process, &self.address_space)?;
        errand.outcome(deadline)
    }
}

impl Object for Task {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn retire(&self) {
        let removed = TASKS.lock().remove(self.identity.id());
        drop(removed);
    }
}

/// What a task is asked to do in its own address space.
pub(crate) trait Work: Send + Unpin + 'static {
    /// Does it, with the task as the current one, and without a lock.
    fn run(self) -> Result<usize>;
}

/// A file to be mapped.
struct FileMapping {
    file: ARef<File>,
    mapping: Mapping,
}

impl Work for FileMapping {
    fn run(self) -> Result<usize> {
        map_file(&self.file, &self.mapping)
    }
}

/// Work that another task is asked to do.
#[pin_data]
struct Errand<W> {
    address_space: usize,
    #[pin]
    step: SpinLock<Step<W>>,
    #[pin]
    done: WaitQueue,
}

/// How far it is. Whoever asked can take it back only until it is begun.
enum Step<W> {
    Asked(W),
    /// By the other task.
    Begun,
    Done(Result<usize>),
    TakenBack,
}

impl<W: Work> Errand<W> {
    fn new(address_space: usize, work: W) -> impl PinInit<Self> {
        pin_init!(Self {
            address_space,
            step <- new_spinlock!(Step::Asked(work), "iomd_errand"),
            done <- new_wait_queue!("iomd_errand_done"),
        })
    }

    /// Waits for the end, and no longer than until the deadline or a signal.
    fn outcome(&self, deadline: Deadline) -> Result<usize> {
        let is_done = || matches!(*self.step.lock(), Step::Done(_));
        let waited = self
            .done
            .wait(Sleep::Interruptible, is_done, || deadline)
            .and_then(|()| if is_done() { Ok(()) } else { Err(ETIMEDOUT) });

        if let Err(error) = waited {
            // The work is dropped without the lock.
            let last = self.take_back();
            if matches!(last, Some(Step::Asked(..))) {
                return Err(error);
            }
            // It is in the middle of it, which takes as long as some mmap(2).
            self.done
                .wait(Sleep::Killable, is_done, || Deadline::NEVER)?;
        }
        match *self.step.lock() {
            Step::Done(outcome) => outcome,
            _ => Err(EINTR),
        }
    }

    /// What it was if it was not begun.
    fn take_back(&self) -> Option<Step<W>> {
        let mut step = self.step.lock();

        matches!(*step, Step::Asked(..)).then(|| replace(&mut *step, Step::TakenBack))
    }

    fn begin(&self) -> Option<W> {
        let mut step = self.step.lock();

        match replace(&mut *step, Step::Begun) {
            Step::Asked(work) => Some(work),
            other => {
                *step = other;
                None
            }
        }
    }
}

impl<W: Work> TaskWork for Errand<W> {
    fn run(&self) {
        let Some(work) = self.begin() else {
            return;
        };
        // In an exit there is none any more; after an exec it is another.
        let is_right =
            KeptAddressSpace::current().is_ok_and(|current| current.number() == self.address_space);
        // Either way the work is gone before its end is told: it can have a handle of a map, and who
        // asked may rely on having the last.
        let outcome = if is_right {
            work.run()
        } else {
            drop(work);
            Err(ESRCH)
        };

        *self.step.lock() = Step::Done(outcome);
        self.done.wake_all();
    }
}
