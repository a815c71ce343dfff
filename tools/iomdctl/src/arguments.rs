// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::Serialize;

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  refused, or failed
  2  the arguments are wrong
  3  the device is not there, or not open to the caller
  4  there is no such object, or it is of another kind

Objects are reached by their ids, which needs CAP_SYS_ADMIN. Offsets are bytes, decimal or
hexadecimal with 0x.";

const TRACE_ENDS: &str = "\
It ends at an interrupt, after --count events, or with the command. Then its exit status is the
command's, or 128 and the number of the signal that killed it. A command that still runs when it ends
goes on.";

/// Lists and watches iomd's objects, redirects and suspends maps, and copies memory in use
#[derive(Debug, Parser)]
#[command(name = "iomdctl", version, after_help = EXIT_STATUS)]
pub struct Arguments {
    /// Print JSON, errors too
    #[arg(long, global = true)]
    pub json: bool,

    /// The device
    #[arg(long, global = true, value_name = "PATH", default_value = iomd::DEVICE)]
    pub device: PathBuf,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the kernel's iomd can do
    Info,
    /// List all objects
    List,
    /// Show one object
    Show {
        /// A descriptor or a map
        id: u64,
    },
    /// Make a descriptor, which lives until the standard input is at its end, or as long as something
    /// else keeps it
    #[command(subcommand)]
    Create(Create),
    /// Make a dma-buf of a descriptor or a map, for others to fetch (pidfd_getfd(2)) as long as the
    /// standard input is not at its end
    Export {
        /// The descriptor, or the map
        id: u64,
    },
    /// Switch the memory behind a map, or behind several as one
    Redirect(Redirect),
    /// Make every access to a map, or to all maps of a descriptor, wait
    Suspend(Suspend),
    /// Let accesses to a suspended map or descriptor go on, on the memory that was there
    Resume {
        /// The map, or the descriptor
        id: u64,
    },
    /// Let nobody else redirect, suspend, resume or end a map any more, for good
    Seal(Seal),
    /// Map memory into a process, without its help
    Map(Map),
    /// Map memory that a process has in another place as well, in the same process or in another
    Remap(Remap),
    /// Let the kernel take a descriptor's memory when it needs it, or no more, or take it now
    Purge(Purge),
    /// Write bytes of a descriptor to the standard output, without a map
    Read(Read),
    /// Write the standard input to a descriptor, without a map
    Write(Write),
    /// Copy memory in use to a file, all of it at one instant
    Snapshot(Snapshot),
    /// Show all objects again and again, those first that have most of something
    Top(Top),
    /// Show what happens to objects, as it happens
    Trace(Trace),
    /// Measure iomd beside what it would be compared with
    #[cfg(feature = "bench")]
    Bench(Bench),
    /// Print what completes command lines, for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write it to this directory instead, and a page for each command
        directory: Option<PathBuf>,
    },
    /// Copy and move a database in use, and show what becomes of it
    #[cfg(feature = "demo")]
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
pub enum Create {
    /// Zeroed memory
    Buffer {
        /// How much
        #[arg(value_name = "BYTES", value_parser = bytes)]
        length: u64,
        /// Each page comes when it is first touched
        #[arg(long)]
        sparse: bool,
        /// In pieces of 2 MiB, where they can be had
        #[arg(long)]
        large: bool,
        /// All of it together in physical memory
        #[arg(long, conflicts_with_all = ["sparse", "large"])]
        contiguous: bool,
        /// Copies by `remap` take its pages when they are touched
        #[arg(long, conflicts_with_all = ["large", "contiguous"])]
        lazy_copy: bool,
    },
    /// A range of another descriptor
    Sub {
        /// The other
        id: u64,
        /// Where it begins
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        offset: u64,
        /// How much of it; 0 is all that follows
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        length: u64,
        /// There are read-only maps of it only
        #[arg(long)]
        read_only: bool,
    },
    /// Descriptors, one after the other
    Multi {
        /// The descriptors
        #[arg(required = true)]
        ids: Vec<u64>,
    },
    /// Some of each of several descriptors in turn
    Interleaved {
        /// The descriptors, of one length
        #[arg(required = true)]
        ids: Vec<u64>,
        /// How much of each in turn, a multiple of the page size
        #[arg(long, value_name = "BYTES", default_value = "4096", value_parser = bytes)]
        granularity: u64,
    },
    /// The memory of a dma-buf, which another process has
    DmaBuf {
        /// The process
        #[arg(value_name = "PID")]
        process: i32,
        /// Its file descriptor of the dma-buf
        #[arg(value_name = "FD")]
        file: i32,
        /// Where it begins
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        offset: u64,
        /// How much of it; 0 is all that follows
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        length: u64,
    },
    /// Pages that nobody can access, to be put between others
    Guard {
        /// How much
        #[arg(value_name = "BYTES", value_parser = bytes)]
        length: u64,
    },
    /// Memory of a process, which stays while it is prepared or mapped
    Ranges {
        /// The process
        #[arg(long, value_name = "PID")]
        task: i32,
        /// Some of its memory; several are put one after the other
        #[arg(required = true, value_name = "ADDRESS:BYTES", value_parser = address_range)]
        ranges: Vec<iomd::AddressRange>,
        /// There are read-only maps of it only
        #[arg(long)]
        read_only: bool,
    },
    /// Memory of a file of tmpfs or hugetlbfs, or of a memfd: /proc/PID/fd/NUMBER
    Memfd {
        /// The file
        file: PathBuf,
        /// Where it begins
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        offset: u64,
        /// How much of it; 0 is all that follows
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
        length: u64,
        /// There are read-only maps of it only
        #[arg(long)]
        read_only: bool,
    },
    /// Physical memory that the kernel does not use, such as that of a device without a driver
    Physical {
        /// Where it begins
        #[arg(value_parser = bytes)]
        address: u64,
        /// How much
        #[arg(value_name = "BYTES", value_parser = bytes)]
        length: u64,
        /// There are read-only maps of it only
        #[arg(long)]
        read_only: bool,
    },
}

#[derive(Debug, Args)]
pub struct Redirect {
    /// The map
    pub map: u64,
    /// The new memory
    pub descriptor: u64,
    /// Where the map starts in the new memory, a multiple of the page size
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub offset: u64,
    /// One more map to be redirected in the same instant, and its new memory; may be repeated
    #[arg(long, value_name = "MAP:DESCRIPTOR[:OFFSET]", value_parser = redirection)]
    pub and: Vec<Redirection>,
    /// Fail if pages of the old memory are held for I/O
    #[arg(long)]
    pub refuse_pinned: bool,
}

/// A map and its new memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirection {
    pub map: u64,
    pub descriptor: u64,
    pub offset: u64,
}

#[cfg(feature = "bench")]
#[derive(Debug, Args)]
pub struct Bench {
    /// What to measure; all, if nothing is said
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(iomd_bench::NAMES))]
    pub parts: Vec<String>,
    /// How many pages large works are about, a power of two
    #[arg(long, default_value = "16384")]
    pub pages: usize,
    /// How many times everything is done; the medians are told
    #[arg(long, default_value = "5")]
    pub rounds: usize,
    /// Measure nothing: take the figures that an earlier run printed with --json
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Draw charts into this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub charts: Option<PathBuf>,
    /// Print iomd's times as multiples of the floor's instead, to be compared with later
    #[arg(long)]
    pub ratios: bool,
    /// Compare with such multiples in this file, and fail if one is worse
    #[arg(long, value_name = "FILE", conflicts_with = "ratios")]
    pub check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Suspend {
    /// The map; or a descriptor: then accesses through all of its maps wait, those to come too
    pub id: u64,
    /// Let who waits, and who comes later, get SIGBUS after so many seconds, until the map is
    /// redirected or resumed, or the descriptor resumed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub deadline: Option<Duration>,
    /// Do not exit before the standard input is at its end; a signal ends this as well
    #[arg(long)]
    pub hold: bool,
    /// What becomes of the suspension when this program has gone, in whatever way
    #[arg(long, value_name = "POLICY", default_value = "stay", requires = "hold")]
    pub if_abandoned: IfAbandoned,
    /// Fail if pages of the memory are held for I/O; of a map only
    #[arg(long)]
    pub refuse_pinned: bool,
}

#[derive(Debug, Args)]
pub struct Seal {
    /// The map
    pub id: u64,
    /// Do not exit before the standard input is at its end. The seal is this program's: once it has
    /// gone, nobody at all controls the map, and what it had suspended stays so
    #[arg(long)]
    pub hold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IfAbandoned {
    /// Accesses wait on
    Stay,
    /// Accesses get SIGBUS
    Sigbus,
    /// It ends
    Resume,
}

impl From<IfAbandoned> for iomd::IfAbandoned {
    fn from(if_abandoned: IfAbandoned) -> Self {
        match if_abandoned {
            IfAbandoned::Stay => Self::Stay,
            IfAbandoned::Sigbus => Self::Sigbus,
            IfAbandoned::Resume => Self::Resume,
        }
    }
}

#[derive(Debug, Args)]
pub struct Map {
    /// A descriptor, of which a map is made that lives as long as it is mapped; or a map
    pub id: u64,
    /// The process
    #[arg(long, value_name = "PID")]
    pub task: i32,
    /// Where it shall be, a multiple of the page size; nothing may be mapped there, but with
    /// --overwrite
    #[arg(long, value_name = "ADDRESS", value_parser = bytes)]
    pub at: Option<u64>,
    /// Where it starts in the descriptor or the map, a multiple of the page size
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub offset: u64,
    /// How much of it; 0 is all that follows
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub length: u64,
    /// For reading only
    #[arg(long)]
    pub read_only: bool,
    /// A new map may be redirected
    #[arg(long)]
    pub unique: bool,
    /// A new map has all of its pages touched when it is mapped
    #[arg(long)]
    pub prefault: bool,
    /// A new map takes the place of what is mapped there
    #[arg(long, requires = "at")]
    pub overwrite: bool,
    /// A new map has so much kept inaccessible on each side
    #[arg(long, value_enum, value_name = "SIZE", conflicts_with = "at")]
    pub guards: Option<Guards>,
}

/// What is kept inaccessible on each side of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Guards {
    /// A page
    Small,
    /// 64 KiB
    Large,
}

impl From<Guards> for iomd::Guards {
    fn from(guards: Guards) -> Self {
        match guards {
            Guards::Small => Self::Small,
            Guards::Large => Self::Large,
        }
    }
}

#[derive(Debug, Args)]
pub struct Remap {
    /// The process that has it
    pub source: i32,
    /// Where it is there
    #[arg(value_parser = bytes)]
    pub address: u64,
    /// How much, rounded up to whole pages
    #[arg(value_parser = bytes)]
    pub length: u64,
    /// The process that gets it; without this it is the one that has it
    #[arg(long, value_name = "PID")]
    pub task: Option<i32>,
    /// Where it shall be; nothing may be mapped there
    #[arg(long, value_name = "ADDRESS", value_parser = bytes, conflicts_with = "from")]
    pub at: Option<u64>,
    /// The first place from that address on where it fits
    #[arg(long, value_name = "ADDRESS", default_value = "0", value_parser = bytes)]
    pub from: u64,
    /// Bits that the address must not have
    #[arg(long, value_name = "BITS", default_value = "0", value_parser = bytes)]
    pub mask: u64,
    /// A copy, which nobody else sees
    #[arg(long)]
    pub copy: bool,
    /// For reading only
    #[arg(long)]
    pub read_only: bool,
    /// What a forked child gets of it
    #[arg(long, value_enum, default_value = "none")]
    pub inheritance: Inheritance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Inheritance {
    /// The same memory
    Share,
    /// A copy of it; for a copy only
    Copy,
    /// Nothing
    None,
}

impl From<Inheritance> for iomd::Inheritance {
    fn from(inheritance: Inheritance) -> Self {
        match inheritance {
            Inheritance::Share => Self::Share,
            Inheritance::Copy => Self::Copy,
            Inheritance::None => Self::None,
        }
    }
}

#[derive(Debug, Args)]
pub struct Purge {
    /// The descriptor
    pub id: u64,
    /// What is to become of its memory
    pub state: Purgeable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purgeable {
    /// It stays; memory that was taken is there again, all zeros
    NonVolatile,
    /// The kernel may take it
    Volatile,
    /// It is taken: whoever touches it gets SIGBUS
    Empty,
}

impl From<Purgeable> for iomd::Purgeable {
    fn from(state: Purgeable) -> Self {
        match state {
            Purgeable::NonVolatile => Self::NonVolatile,
            Purgeable::Volatile => Self::Volatile,
            Purgeable::Empty => Self::Empty,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Who writes meanwhile can be seen in part; snapshot shows one instant.")]
pub struct Read {
    /// The descriptor
    pub id: u64,
    /// Where the bytes begin
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub offset: u64,
    /// How many; without it, all that follow
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub length: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Write {
    /// The descriptor
    pub id: u64,
    /// Where the bytes go
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    pub offset: u64,
}

#[derive(Debug, Args)]
pub struct Snapshot {
    /// A descriptor, or a map: then the part of its descriptor that it shows
    pub id: u64,
    /// The file; there is all of it or none, and only its owner can read it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Fail if pages of the memory are held for I/O, which might be writing to them
    #[arg(long)]
    pub refuse_pinned: bool,
}

#[derive(Debug, Args)]
pub struct Top {
    /// What is to be high of those that come first. On a terminal keys choose too
    #[arg(long, value_name = "KEY", default_value = "waiters")]
    pub sort: SortBy,
    /// How long to wait before each look; rates are of that time
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub interval: Duration,
    /// Print a table so many times, and end
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Print one table, and end
    #[arg(long, conflicts_with = "count")]
    pub once: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SortBy {
    /// The id, from the lowest
    Id,
    /// How many maps a descriptor has
    Maps,
    /// How many accesses wait
    Waiters,
    /// The longest wait of those that ended
    Wait,
    /// Redirects a second
    Redirects,
    /// Page faults a second
    Faults,
}

#[derive(Debug, Args)]
#[command(after_help = TRACE_ENDS)]
pub struct Trace {
    /// Only this event: suspend, for example; may be repeated
    #[arg(long, value_name = "EVENT")]
    pub event: Vec<String>,
    /// Only what is about this map or descriptor; may be repeated
    #[arg(long, value_name = "ID")]
    pub id: Vec<u64>,
    /// End after so many events
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Run this meanwhile, and end when it does
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct Demo {
    /// How many plain copies, and how many atomic ones
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub copies: u64,
    /// How many moves to new memory
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub moves: u64,
    /// How many threads write to the database
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub writers: u64,
    /// Be the process that has the database
    #[arg(long, hide = true)]
    pub own: bool,
    /// Be a process that suspends or reads the memory
    #[arg(long, hide = true)]
    pub assist: bool,
}

/// A number of bytes.
fn bytes(text: &str) -> Result<u64, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

/// An address and a length.
fn address_range(text: &str) -> Result<iomd::AddressRange, String> {
    let (address, length) = text.split_once(':').ok_or("it is not of the form ADDRESS:BYTES")?;
    let number = |text| bytes(text).map_err(|error| error.to_string());
    Ok(iomd::AddressRange { address: number(address)?, length: number(length)? })
}

/// A map, a descriptor and perhaps an offset.
fn redirection(text: &str) -> Result<Redirection, String> {
    let number =
        |text: Option<&str>| text.map(bytes).transpose().map_err(|error| error.to_string());
    let mut parts = text.split(':');
    let (map, descriptor, offset) = (parts.next(), parts.next(), parts.next());
    match (number(map)?, number(descriptor)?, number(offset)?, parts.next()) {
        (Some(map), Some(descriptor), offset, None) => {
            Ok(Redirection { map, descriptor, offset: offset.unwrap_or(0) })
        }
        _ => Err("it is not of the form MAP:DESCRIPTOR[:OFFSET]".into()),
    }
}

/// A number of seconds, whole or not.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A time between two looks. One that is too short would keep a processor busy.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval < Duration::from_millis(10) {
        return Err("it is less than 0.01".into());
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn suspend(arguments: &str) -> Result<Suspend, clap::Error> {
        let words = ["iomdctl", "suspend"].into_iter().chain(arguments.split(' '));
        match Arguments::try_parse_from(words)?.command {
            Command::Suspend(suspend) => Ok(suspend),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn offsets_are_decimal_or_hexadecimal() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("0x1000"), Ok(4096));
        assert!(bytes("-1").is_err());
        assert!(bytes("0x").is_err());
    }

    #[test]
    fn redirections_are_two_or_three_numbers() {
        let expected = Redirection { map: 3, descriptor: 4, offset: 0 };
        assert_eq!(redirection("3:4"), Ok(expected));
        let expected = Redirection { offset: 0x2000, ..expected };
        assert_eq!(redirection("3:4:0x2000"), Ok(expected));
        for wrong in ["", "3", "3:", ":4", "3:4:", "3:4:0:0", "3:-4", "a:b"] {
            assert!(redirection(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_is_an_address_and_a_length() {
        let expected = iomd::AddressRange { address: 0x7000, length: 5 };
        assert_eq!(address_range("0x7000:5"), Ok(expected));
        for wrong in ["", "5", ":5", "5:", "5:6:7", "a:5"] {
            assert!(address_range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_need_not_be_whole() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["", "soon", "-1", "nan", "inf", "1e30"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_interval_is_not_nothing() {
        assert_eq!(interval("0.01"), Ok(Duration::from_millis(10)));
        assert!(interval("0").is_err());
    }

    #[test]
    fn a_policy_is_for_who_stays() {
        let suspended = suspend("5").unwrap();
        assert_eq!((suspended.hold, suspended.if_abandoned), (false, IfAbandoned::Stay));
        let held = suspend("5 --hold --if-abandoned resume").unwrap();
        assert_eq!((held.hold, held.if_abandoned), (true, IfAbandoned::Resume));
        assert!(suspend("5 --if-abandoned resume").is_err());
        assert!(suspend("5 --hold --if-abandoned never").is_err());
    }
}
