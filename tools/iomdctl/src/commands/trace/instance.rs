// SPDX-License-Identifier: MIT OR Apache-2.0

//! A ring buffer of the kernel's, for this program alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};
use rustix::fs::OFlags;
use rustix::mount::{MountFlags, mount};

const TRACEFS: &str = "/sys/kernel/tracing";

/// How lines look. An instance begins with what somebody may have set for all.
const FORMAT: [&str; 8] = [
    "context-info",
    "irq-info",
    "norecord-tgid",
    "nolatency-format",
    "noraw",
    "nohex",
    "nobin",
    "nofields",
];

/// An instance in tracefs, which goes when this is dropped. A pipe of it must have gone before.
pub struct Instance(PathBuf);

impl Instance {
    pub fn new() -> Result<Self> {
        let instances = Path::new(TRACEFS).join("instances");
        if !instances.exists() {
            mount("tracefs", TRACEFS, "tracefs", MountFlags::empty(), None)
                .with_context(|| format!("cannot mount tracefs at {TRACEFS}"))?;
        }
        remove_abandoned(&instances);
        let path = instances.join(format!("iomd-{}", process::id()));
        fs::create_dir(&path)
            .with_context(|| format!("cannot make the directory {}", path.display()))?;
        let instance = Self(path);
        for option in FORMAT {
            instance.set("trace_options", option)?;
        }
        // The clock of deadlines; and it is the same on all processors.
        instance.set("trace_clock", "mono")?;
        // Who polls is woken at the first event, not when there are many.
        instance.set("buffer_percent", "0")?;
        Ok(instance)
    }

    /// The names of the events of iomd, without `iomd_`.
    pub fn events(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.0.join("events/iomd")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("there are no events of iomd: the module is not loaded")
            }
            entries => entries.context("cannot list the events of iomd")?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut events: Vec<_> =
            names.filter_map(|name| Some(name.strip_prefix("iomd_")?.to_owned())).collect();
        events.sort();
        Ok(events)
    }

    /// Lets an event come; only if it is about one of these objects, if there are any.
    pub fn enable(&self, event: &str, ids: &[u64]) -> Result<()> {
        let directory = format!("events/iomd/iomd_{event}");
        if !ids.is_empty() {
            let format = self.get(&format!("{directory}/format"))?;
            match filter(&format, ids) {
                Some(filter) => self.set(&format!("{directory}/filter"), &filter)?,
                // It is about no object.
                None => return Ok(()),
            }
        }
        self.set(&format!("{directory}/enable"), "1")
    }

    /// Where the events come out.
    pub fn pipe(&self) -> Result<Pipe> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let file = options.open(self.0.join("trace_pipe")).context("cannot read events")?;
        Ok(Pipe { file, bytes: Vec::new() })
    }

    fn get(&self, file: &str) -> Result<String> {
        let path = self.0.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn set(&self, file: &str, value: &str) -> Result<()> {
        let path = self.0.join(file);
        fs::write(&path, value).with_context(|| format!("cannot write to {}", path.display()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("iomdctl: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Removes what programs have left behind that were killed. One that is in use, perhaps in another
/// pid namespace, the kernel keeps.
fn remove_abandoned(instances: &Path) {
    let entries = fs::read_dir(instances).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|name| name.strip_prefix("iomd-")?.parse::<u32>().ok());
        let lives = |process: u32| {
            process != process::id() && Path::new("/proc").join(process.to_string()).exists()
        };
        if process.is_some_and(|process| !lives(process)) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The condition that an event is about one of these objects, from the description of its fields.
fn filter(format: &str, ids: &[u64]) -> Option<String> {
    let fields = ["map", "part_of", "descriptor"].into_iter().filter(|field| {
        format.lines().any(|line| line.contains("field:") && line.contains(&format!(" {field};")))
    });
    let conditions: Vec<_> =
        fields.flat_map(|field| ids.iter().map(move |id| format!("{field} == {id}"))).collect();
    (!conditions.is_empty()).then(|| conditions.join(" || "))
}

/// The events of an instance, as lines.
pub struct Pipe {
    file: File,
    /// What was read and not yet handed out.
    bytes: Vec<u8>,
}

impl Pipe {
    /// The next line, if there is one now.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') {
                let line: Vec<_> = self.bytes.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            let mut buffer = [0; 1 << 16];
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_the_fields_that_there_are() {
        let format = "\
name: iomd_redirect
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:u64 map;\toffset:8;\tsize:8;\tsigned:0;
\tfield:u64 descriptor;\toffset:16;\tsize:8;\tsigned:0;
";
        let expected = "map == 3 || map == 4 || descriptor == 3 || descriptor == 4";
        assert_eq!(filter(format, &[3, 4]).as_deref(), Some(expected));
        let of_maps = format.replace("u64 descriptor;", "u64 page;");
        assert_eq!(filter(&of_maps, &[3]).as_deref(), Some("map == 3"));
        assert_eq!(filter("field:u64 page;", &[3]), None);
    }
}
