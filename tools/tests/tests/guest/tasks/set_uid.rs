// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who has a right to a process has none to what it executes as another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use iomd::{Errno, Task};

use super::TAG;
use crate::support::privileges::become_user;
use crate::support::{Child, PAGE, client, eventually, painted, unique};

/// A program that its caller runs as root, and that does nothing but wait for input.
fn set_uid_program() -> PathBuf {
    let directory = PathBuf::from("/tmp/set-uid");
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join("su");
    fs::copy("/bin/busybox", &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
    program
}

#[test]
fn exec_of_a_set_uid_program_ends_it_for_who_had_it() {
    const USER: u32 = 4711;
    let program = set_uid_program();
    let (input, _output) = rustix::pipe::pipe().unwrap();
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        // The node is root's.
        let client = client();
        become_user(USER);
        parent.send(client.own_task().unwrap());
        parent.hear();
        let mut program = Command::new(&program);
        panic!("{}", program.stdin(input).stdout(Stdio::null()).stderr(Stdio::null()).exec());
    });
    let task = child.receive::<Task>();
    let address = map.map_into(&task).run().unwrap();
    child.say(0);
    let status = format!("/proc/{}/status", child.pid());
    eventually("it runs as root, for a user", || {
        fs::read_to_string(&status).unwrap().contains(&format!("Uid:\t{USER}\t0\t0\t0\n"))
    });
    // His own right to his own process.
    let owner = Child::fork(|_| {
        let client = client();
        become_user(USER);
        assert_eq!(task.process(), Ok(None));
        assert_eq!(map.map_into(&task).run().unwrap_err().errno(), Errno::SRCH);
        let own = client.own_task().unwrap();
        for (target, source) in [(&own, &task), (&task, &own)] {
            let refused = client.remap(source, address, PAGE as u64).into_task(target).run();
            assert_eq!(refused.unwrap_err().errno(), Errno::SRCH);
        }
    });
    owner.succeed();
    child.kill();
    fs::remove_dir_all("/tmp/set-uid").unwrap();
}
