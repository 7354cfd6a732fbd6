//! The memory limit of the process: that of its control group, or the machine's memory.
//!
//! By hand: `sysinfo` reads one file of a control group, not those above it, and brings 40,000 lines
//! for it.

use std::fs;
use std::path::{Path, PathBuf};

/// The memory that the process may use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The limit, in bytes.
    pub bytes: u64,
    /// What sets the limit.
    pub source: MemoryLimitSource,
}

/// What sets a memory limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimitSource {
    /// A control group of the process, or one above it.
    ControlGroup,
    /// The machine's memory.
    Machine,
    /// Neither can be read: the limit is assumed.
    Assumed,
}

/// The limit where neither a control group nor the machine says one, in bytes.
const ASSUMED_BYTES: u64 = 1 << 30;

impl MemoryLimit {
    /// The limit of this process, read from `/proc` and `/sys`. Systems without these have the assumed
    /// limit of 1 GiB.
    pub fn of_this_process() -> Self {
        Self::below(Path::new("/"))
    }

    /// The limit by the files below a root folder.
    fn below(root: &Path) -> Self {
        let read = |path: &Path| fs::read_to_string(root.join(path)).ok();
        let machine = read(Path::new("proc/meminfo")).as_deref().and_then(total_of_meminfo);
        let groups = read(Path::new("proc/self/cgroup")).unwrap_or_default();
        let group =
            files_of_groups(&groups).iter().filter_map(|path| limit_of_group(&read(path)?)).min();
        match (group, machine) {
            // A control group without a limit has a number beyond all machines.
            (Some(group), machine) if machine.is_none_or(|machine| group < machine) => {
                Self { bytes: group, source: MemoryLimitSource::ControlGroup }
            }
            (_, Some(machine)) => Self { bytes: machine, source: MemoryLimitSource::Machine },
            (_, None) => Self { bytes: ASSUMED_BYTES, source: MemoryLimitSource::Assumed },
        }
    }
}

/// The files with the limits of the process' control groups and of all above them, of both versions.
/// Inside a container the root of the mounted files is the container's own group, whatever path
/// `/proc` names: the walk ends there.
fn files_of_groups(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        // hierarchy-ID:controller-list:cgroup-path; version 2 has neither id nor controllers.
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (mount, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|controller| controller == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        let is_plain =
            path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let path = if is_plain { path } else { Path::new("") };
        files.extend(path.ancestors().map(|above| Path::new(mount).join(above).join(file)));
    }
    files
}

/// The number in the file of a group's limit. `None`: "max", or unreadable.
fn limit_of_group(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_of_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit by files given as path and text.
    fn limit(files: &[(&str, &str)]) -> (u64, MemoryLimitSource) {
        let root = std::env::temp_dir().join(format!(
            "memory-limit-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let limit = MemoryLimit::below(&root);
        drop(fs::remove_dir_all(&root));
        (limit.bytes, limit.source)
    }

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal:        8034168 kB\nMemFree:          123 kB\n");
    const MACHINE: u64 = 8_034_168 * 1024;

    #[test]
    fn limits() {
        use MemoryLimitSource::{Assumed, ControlGroup, Machine};

        assert_eq!(limit(&[]), (1 << 30, Assumed));
        assert_eq!(limit(&[MEMINFO]), (MACHINE, Machine));
        let version_2 = ("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
        let check = |files: &[(&str, &str)], expected| {
            let files: Vec<_> =
                [MEMINFO, version_2].into_iter().chain(files.iter().copied()).collect();
            assert_eq!(limit(&files), expected, "{files:?}");
        };
        check(&[], (MACHINE, Machine));
        check(
            &[("sys/fs/cgroup/kubepods/pod1/c1/memory.max", "536870912\n")],
            (512 << 20, ControlGroup),
        );
        // A group above is narrower.
        check(
            &[
                ("sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max\n"),
                ("sys/fs/cgroup/kubepods/pod1/memory.max", "268435456\n"),
                ("sys/fs/cgroup/kubepods/memory.max", "536870912\n"),
            ],
            (256 << 20, ControlGroup),
        );
        // A container sees its own group as the root.
        check(&[("sys/fs/cgroup/memory.max", "536870912\n")], (512 << 20, ControlGroup));
        check(&[("sys/fs/cgroup/memory.max", "max\n")], (MACHINE, Machine));
        check(&[("sys/fs/cgroup/memory.max", "99999999999999999999999\n")], (MACHINE, Machine));
    }

    #[test]
    fn version_1() {
        use MemoryLimitSource::{ControlGroup, Machine};

        let group =
            ("proc/self/cgroup", "11:memory,hugetlb:/docker/abc\n10:cpu,cpuacct:/docker/abc\n");
        let limited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
        assert_eq!(limit(&[MEMINFO, group, limited]), (512 << 20, ControlGroup));
        let without = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit(&[MEMINFO, group, without]), (MACHINE, Machine));
    }

    #[test]
    fn paths_stay_below_the_mount() {
        let group = ("proc/self/cgroup", "0::/../../etc\n");
        let limited = ("sys/fs/cgroup/memory.max", "536870912\n");
        assert_eq!(limit(&[MEMINFO, group, limited]).0, 512 << 20);
    }
}
