// SPDX-License-Identifier: MIT OR Apache-2.0

//! Words and file descriptors between two processes.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// One end of a connection.
pub struct Channel(OwnedFd);

impl Channel {
    /// Both ends.
    pub fn pair() -> (Self, Self) {
        let flags = SocketFlags::CLOEXEC;
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("sockets");
        (Self(one), Self(other))
    }

    pub fn say(&self, word: u64) {
        self.write(word, None);
    }

    /// Tells how a system call ended.
    pub fn say_outcome(&self, outcome: Result<u64, Errno>) {
        let (kind, word) = match outcome {
            Ok(word) => (0, word),
            Err(errno) => (1, errno.raw_os_error() as u64),
        };
        self.say(kind);
        self.say(word);
    }

    /// The next word; waits for it. `None` if the other end is gone.
    pub fn listen(&self) -> Option<u64> {
        self.read().map(|(word, _)| word)
    }

    /// The next word; waits for it.
    pub fn hear(&self) -> u64 {
        self.listen().expect("the other process is there")
    }

    /// Hands a file descriptor over.
    pub fn send(&self, file: impl AsFd) {
        self.write(0, Some(file.as_fd()));
    }

    /// The file descriptor handed over; waits for it.
    pub fn receive<T: From<OwnedFd>>(&self) -> T {
        let (_, file) = self.read().expect("the other process is there");
        file.expect("a file descriptor comes").into()
    }

    /// Whether something was said, or the other end is gone, within that time.
    pub fn is_ready(&self, within: Duration) -> bool {
        let timeout = Timespec::try_from(within).expect("a short time");
        let mut files = [PollFd::new(&self.0, PollFlags::IN)];
        retry_on_intr(|| poll(&mut files, Some(&timeout))).expect("a socket can be polled") > 0
    }

    /// Closes every other file descriptor of the process but the standard ones.
    pub fn close_all_others(&self) {
        let own = self.0.as_raw_fd() as u32;
        for (first, last) in [(3, own - 1), (own + 1, u32::MAX)] {
            if first <= last {
                // SAFETY: only children call this, and they drop nothing from then on.
                let closed = unsafe { libc::close_range(first, last, 0) };
                assert_eq!(closed, 0);
            }
        }
    }

    fn write(&self, word: u64, file: Option<BorrowedFd<'_>>) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if let Some(file) = &file {
            assert!(control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(file))));
        }
        let bytes = word.to_ne_bytes();
        let sent = sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL);
        assert_eq!(sent, Ok(bytes.len()), "the other process is there");
    }

    fn read(&self) -> Option<(u64, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; 8];
        let received = retry_on_intr(|| {
            let parts = &mut [IoSliceMut::new(&mut bytes)];
            recvmsg(&self.0, parts, &mut control, RecvFlags::CMSG_CLOEXEC)
        });
        match received {
            Ok(message) if message.bytes == bytes.len() => {}
            Ok(_) | Err(Errno::CONNRESET) => return None,
            Err(errno) => panic!("recvmsg: {errno}"),
        }
        let file = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        Some((u64::from_ne_bytes(bytes), file))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
