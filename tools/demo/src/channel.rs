// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the two processes talk: messages over a socket, file descriptors with them.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message, in bytes.
const LONGEST: usize = 4096;
/// The most file descriptors that go with one.
const MOST: usize = 2;

/// One end of a connection that keeps messages apart.
pub struct Channel(OwnedFd);

impl Channel {
    /// Both ends.
    pub fn pair() -> Result<(Self, OwnedFd)> {
        let (here, there) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(here), there))
    }

    /// Sends a message.
    pub fn send(&self, message: &impl Serialize) -> Result<()> {
        self.send_with(message, [])
    }

    /// Sends a message and copies of some file descriptors.
    pub fn send_with<const N: usize>(
        &self,
        message: &impl Serialize,
        files: [BorrowedFd<'_>; N],
    ) -> Result<()> {
        const { assert!(N <= MOST) };
        let bytes = serde_json::to_vec(message)?;
        ensure!(bytes.len() <= LONGEST, "a message of {} bytes is too long", bytes.len());

        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if N > 0 {
            control.push(SendAncillaryMessage::ScmRights(&files));
        }
        sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)
            .context("the other process is gone")?;
        Ok(())
    }

    /// Waits for a message; `None` when the other process has closed its end.
    pub fn receive<M: DeserializeOwned>(&self) -> Result<Option<(M, Vec<OwnedFd>)>> {
        let mut bytes = [0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg(&self.0, &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes == 0 {
            return Ok(None);
        }
        let files = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(files) => Some(files),
                _ => None,
            })
            .flatten()
            .collect();
        Ok(Some((serde_json::from_slice(&bytes[..received.bytes])?, files)))
    }
}

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn messages_and_files_arrive_and_so_does_the_end() {
        let (here, there) = Channel::pair().unwrap();
        let there = Channel::from(there);
        let (inner, far) = Channel::pair().unwrap();

        there.send(&"one").unwrap();
        there.send_with(&"two", [inner.0.as_fd()]).unwrap();
        drop((there, inner));

        let (message, files) = here.receive::<String>().unwrap().unwrap();
        assert_eq!((message.as_str(), files.len()), ("one", 0));
        let (message, files) = here.receive::<String>().unwrap().unwrap();
        assert_eq!(message, "two");
        let [inner] = <[OwnedFd; 1]>::try_from(files).unwrap();
        assert!(here.receive::<String>().unwrap().is_none());

        Channel::from(inner).send(&3).unwrap();
        let (number, _) = Channel::from(far).receive::<u64>().unwrap().unwrap();
        assert_eq!(number, 3);
    }
}
