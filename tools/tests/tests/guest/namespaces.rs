// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who is root in a user namespace of his own only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use iomd::{Client, Direction, Errno, IfAbandoned};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat, stat};
use rustix::mount::{MountFlags, mount};
use rustix::process::getppid;
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::support::privileges::enter_user_namespace;
use crate::support::{Child, PAGE, Region, client, unique};

const NODE: &str = "/dev/iomd";

/// Lets everybody open the node, until dropped.
struct ForAll(Permissions);

impl ForAll {
    fn new() -> Self {
        let before = fs::metadata(NODE).unwrap().permissions();
        fs::set_permissions(NODE, Permissions::from_mode(0o666)).unwrap();
        Self(before)
    }
}

impl Drop for ForAll {
    fn drop(&mut self) {
        fs::set_permissions(NODE, self.0.clone()).unwrap();
    }
}

#[test]
fn a_node_opened_inside_gives_no_rights_outside() {
    // What tests before this one have left mapped is locked memory of this user's, too.
    Region::unmap_all();
    let _open = ForAll::new();
    let others = client().buffer(PAGE as u64).unwrap();
    let id = others.id().unwrap();
    let child = Child::fork(|_| {
        let parent = getppid().unwrap().as_raw_nonzero().get();
        enter_user_namespace();
        let client = Client::open().unwrap();
        // His own memory is his.
        let map = unique(&client.buffer(PAGE as u64).unwrap());
        let region = Region::from(map.mmap().unwrap());
        region.write(0, 1);
        assert_eq!(region.read(0), 1);
        // That of others is not.
        let denied = |errno: Option<Errno>| assert_eq!(errno, Some(Errno::PERM));
        denied(client.objects().next().unwrap().err().map(|error| error.errno()));
        denied(client.open_object(id).err().map(|error| error.errno()));
        denied(client.task(parent).err().map(|error| error.errno()));
        let physical = client.physical_range(0xa0000, 1, Direction::Out);
        denied(physical.err().map(|error| error.errno()));
        denied(map.physical_segment(0).err().map(|error| error.errno()));
        // The kernel does not wait for him.
        map.suspend_with().if_abandoned(IfAbandoned::Resume).run().unwrap();
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
        let word = unsafe { std::slice::from_raw_parts(region.as_ptr().cast::<u8>(), 8) };
        assert_eq!(rustix::io::write(&writer, word), Err(Errno::FAULT));
    });
    child.succeed();
}

#[test]
fn a_node_made_inside_is_none() {
    let device = stat(NODE).unwrap().st_rdev;
    let child = Child::fork(|_| {
        enter_user_namespace();
        // SAFETY: file descriptors are not unshared.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
        // Root inside is the user outside.
        fs::write("/proc/self/uid_map", "0 0 1").unwrap();
        fs::write("/proc/self/setgroups", "deny").unwrap();
        fs::write("/proc/self/gid_map", "0 0 1").unwrap();
        mount("mine", "/tmp", "tmpfs", MountFlags::empty(), None).unwrap();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let mode = Mode::RUSR | Mode::WUSR;
        let made =
            mknodat(CWD, "/tmp/iomd", FileType::CharacterDevice, mode, makedev(major, minor));
        assert_eq!(made, Err(Errno::PERM));
    });
    child.succeed();
}
