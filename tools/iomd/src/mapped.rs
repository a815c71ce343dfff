// SPDX-License-Identifier: MIT OR Apache-2.0

//! Single accesses to maps in the kernel's own address space.

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Map, Request, Result};

macro_rules! mapped {
    ($($type:ident: $read:ident, $write:ident, $read_name:literal, $write_name:literal;)*) => {
        /// A map that was made with [`in_kernel`](crate::MapBuilder::in_kernel) is mapped by no process:
        /// the kernel reaches its memory, by one access of exactly that width. `offset` can be any
        /// where the value lies in one page. As other accesses, they wait while they are suspended; for
        /// which of them may, see the kernel's accesses in system calls.
        ///
        /// # Errors
        ///
        /// All of them: `EPERM` if the map is not in the kernel; `ERANGE` if the value is not all inside
        /// the map; `EINVAL` if it is in two pages; `EACCES` for writing to a read-only map; `EFAULT`
        /// where the kernel may not wait, or the deadline of a suspension has passed; `ENODEV` if the
        /// map has ended; `ENODATA` if the memory was taken away; `ENOMEM` if there is none; `EINTR` if
        /// killed.
        impl Map {
            $(
                #[doc = concat!("Reads a value (`", $read_name, "`).")]
                ///
                /// # Errors
                ///
                /// See above.
                pub fn $read(&self, offset: u64) -> Result<$type> {
                    Ok(self.read_mapped(offset, $type::BITS)? as $type)
                }

                #[doc = concat!("Writes a value (`", $write_name, "`).")]
                ///
                /// # Errors
                ///
                /// See above.
                pub fn $write(&self, offset: u64, value: $type) -> Result<()> {
                    self.write_mapped(offset, $type::BITS, value.into())
                }
            )*

            fn read_mapped(&self, offset: u64, width: u32) -> Result<u64> {
                let argument = sys::iomd_mapped_read { offset, width, ..Argument::sized() };
                let answer = call(self, argument).asked(|| Request::MappedRead { offset, width })?;
                Ok(answer.value)
            }

            fn write_mapped(&self, offset: u64, width: u32, value: u64) -> Result<()> {
                let argument = sys::iomd_mapped_write { offset, width, value, ..Argument::sized() };
                call(self, argument).map(drop).asked(|| Request::MappedWrite { offset, width })
            }
        }
    };
}

mapped! {
    u8: mapped_read_u8, mapped_write_u8, "IOMappedRead8", "IOMappedWrite8";
    u16: mapped_read_u16, mapped_write_u16, "IOMappedRead16", "IOMappedWrite16";
    u32: mapped_read_u32, mapped_write_u32, "IOMappedRead32", "IOMappedWrite32";
    u64: mapped_read_u64, mapped_write_u64, "IOMappedRead64", "IOMappedWrite64";
}
