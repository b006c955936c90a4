//! A server as a process: how it is started and ended; what it and its children cost, from `/proc`; and on which core and machine things run.

pub use mercure_hub::raise_file_limit;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Proportional set size: private memory, and the process's share of what it shares.
    pub pss: u64,
    /// What nobody else maps.
    pub private: u64,
}

/// Processor time, as the scheduler counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Time on a core, user and system.
    pub ran: Duration,
    /// Time ready to run, while others had the core.
    pub waited: Duration,
}

impl Spent {
    /// What has been added since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self { ran: self.ran.saturating_sub(earlier.ran), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Processor time of the threads that were there at some moment, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Threads(BTreeMap<u32, Spent>);

impl Threads {
    /// What these have spent since an earlier moment. What a thread did that has ended in between is not known any more.
    pub fn since(&self, earlier: &Self) -> Spent {
        let each = self.0.iter().map(|(id, spent)| spent.since(earlier.0.get(id).copied().unwrap_or_default()));
        each.fold(Spent::default(), |sum, one| Spent { ran: sum.ran + one.ran, waited: sum.waited + one.waited })
    }
}

/// A process and all its descendants, as they were when it was looked up.
#[derive(Clone, Debug)]
pub struct Family(Vec<u32>);

impl Family {
    /// The process with this number, and what it has started until now.
    pub fn of(pid: u32) -> Self {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
            .collect();
        let mut members = vec![pid];
        let mut next = 0;
        while let Some(of) = members.get(next).copied() {
            members.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
            next += 1;
        }
        Self(members)
    }

    /// Processor time used so far by each thread.
    pub fn threads(&self) -> Threads {
        let tasks = self.0.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten();
        let each = tasks.filter_map(|task| {
            let path = task.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, scheduled(path.join("schedstat").to_str()?)?))
        });
        Threads(each.collect())
    }

    /// Memory held now.
    pub fn memory(&self) -> Memory {
        self.0
            .iter()
            .copied()
            .map(memory)
            .fold(Memory::default(), |sum, one| Memory { pss: sum.pss + one.pss, private: sum.private + one.private })
    }

    /// Resident memory: less telling than [`Memory`], but cheap to ask for while a run goes on.
    pub fn resident(&self) -> u64 {
        let texts = self.0.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
        texts.map(|text| kilobytes(&text, "VmRSS:")).sum()
    }
}

/// The fourth field of `/proc/PID/stat`; the second may hold blanks and parentheses.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The two first fields of a `schedstat` file.
fn scheduled(path: &str) -> Option<Spent> {
    let text = fs::read_to_string(path).ok()?;
    let mut fields = text.split_ascii_whitespace().map(|field| field.parse().map(Duration::from_nanos));
    Some(Spent { ran: fields.next()?.ok()?, waited: fields.next()?.ok()? })
}

fn memory(pid: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    Memory {
        pss: kilobytes(&text, "Pss:"),
        private: kilobytes(&text, "Private_Clean:") + kilobytes(&text, "Private_Dirty:"),
    }
}

/// The bytes behind a name in a file like `/proc/PID/status`.
fn kilobytes(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Processor time of the calling thread so far.
pub fn own() -> Spent {
    scheduled("/proc/thread-self/schedstat").unwrap_or_default()
}

/// Starts a program with this soft limit of open files, which is what a service manager or a shell gives. Other threads must open
/// nothing meanwhile: for this moment the limit is the caller's too.
///
/// # Errors
/// When the program can't be started.
pub fn start_with_file_limit(command: &mut Command, soft: u64) -> io::Result<Child> {
    let own = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum: own.maximum });
    let child = command.spawn();
    let _ = setrlimit(Resource::Nofile, own);
    child
}

/// Asks a process to end, so that it takes its children along, and kills it when it has not ended in time. How long it took; none
/// when it was killed.
pub fn end(child: &mut Child, patience: Duration) -> Option<Duration> {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let asked = Instant::now();
    // A child that was waited for has no number of its own any more.
    if let (Some(pid), Ok(None)) = (pid, child.try_wait()) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    while asked.elapsed() < patience {
        if !matches!(child.try_wait(), Ok(None)) {
            return Some(asked.elapsed());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Where it was measured.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// As the processor names itself.
    pub processor: String,
    /// The system's release.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cores: cores().len(),
            processor: model.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// The cores of this machine that the calling thread may use.
pub fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None);
    allowed.map(|set| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()).unwrap_or_default()
}

/// Keeps the calling thread, and what it starts from now on, to these cores. Without effect where the system refuses: the figures say so by their spread.
pub fn pin(cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    if !cores.is_empty() {
        let _ = sched_setaffinity(None, &set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_what_the_kernel_writes() {
        assert_eq!(parent("12 (a (b) c) S 7 12 12 0"), Some(7));
        assert_eq!(kilobytes("Rss:   9 kB\nPss:        314 kB\nPss_Dirty: 1 kB\n", "Pss:"), 314 * 1024);
        assert_eq!(kilobytes("", "Pss:"), 0);
    }

    #[test]
    fn a_thread_that_has_ended_takes_nothing_from_the_others() {
        let spent = |seconds| Spent { ran: Duration::from_secs(seconds), waited: Duration::ZERO };
        let earlier = Threads([(1, spent(10)), (2, spent(100))].into());
        let later = Threads([(1, spent(13)), (3, spent(4))].into());
        assert_eq!(later.since(&earlier), spent(7));
    }

    #[test]
    fn a_process_knows_its_own_cost() {
        let family = Family::of(std::process::id());
        assert!(family.0.contains(&std::process::id()));
        assert!(family.memory().pss > 0 && family.resident() > 0);
        assert!(!cores().is_empty());
    }
}
