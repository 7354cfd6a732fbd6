//! Faults of relays and of Prometheus: for each, what the user sees, that what had come is shown, and
//! that the time limits hold. A thousand rounds with a paused clock and twenty with a real one leave
//! nothing behind: no file, no task, no permit, no memory.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod prometheuses;
mod relays;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use budget::{Caller, Gate, GateLimits, Memory, Purpose};
use execution::ExecutionError;
use frames::Frame as Encodable;
use futures_util::future::BoxFuture;
use test_kit::PATIENCE;
use test_kit::frame::Frame;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// Allocator that counts the heap.
#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Time limit of requests here.
const TIME_LIMIT: Duration = Duration::from_millis(200);
/// Time limit of connections here.
const CONNECT_LIMIT: Duration = Duration::from_millis(100);
/// Texts of answers that end with the time limit.
const TIMED_OUT: [&str; 3] = [
    "did not finish its answer within",
    "did not answer within",
    "accepts connections but sends nothing",
];
/// Longest time of an answer: the client looks for the nodes' releases first, then asks, then finds out
/// what the server is.
const LONGEST: Duration = Duration::from_secs(3);
/// Bytes that all answers together may hold.
const MEMORY_BYTES: usize = 256 << 20;
/// Rounds before the first count: caches and pools fill.
const WARM_UP: usize = 3;
/// Rounds with a paused clock, for faults that take until the time limit.
const PAUSED_ROUNDS: usize = 1_000;
/// Rounds of the other faults.
const PROMPT_ROUNDS: usize = 100;

const REAL_ROUNDS: usize = 20;
/// Files and tasks of an idle connection in a pool, both ends: it may be there before or afterwards.
const IDLE_CONNECTION: usize = 4;
/// Bytes by which the heap may grow over all rounds: pools of the runtime and of the allocator's users.
const MAX_GROWTH_BYTES: usize = 256 << 10;

/// A fault: a server that misbehaves, and the user's view of it.
struct Fault {
    name: &'static str,
    expected: Expected,
    /// Longest time of an answer.
    within: Duration,
    /// Whether it needs a clock that runs: with a paused one, time passes only while all tasks
    /// wait.
    needs_time: bool,
    /// Starts the server. The value asks once.
    start: fn(Budget) -> BoxFuture<'static, Box<dyn Ask>>,
}

/// What the user sees.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// An error with this text in it.
    Error(&'static str),
    /// This many rows, and a notice with this text in it; an empty one stands for no notice.
    Shown(Rows, &'static str),
}

/// A number of rows.
#[derive(Debug, Clone, Copy)]
enum Rows {
    Exactly(usize),
    /// One or more.
    Some,
}

/// The clock of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Time passes while all tasks wait, so that a deadline passes at once, perhaps before bytes
    /// that the system still carries. What had come is therefore checked by the running clock.
    Paused,
    Running,
}

/// Asks a faulty server, as a query does.
trait Ask: Send {
    fn ask(&self) -> BoxFuture<'_, Result<Vec<Encodable>, ExecutionError>>;
}

/// The budget of the clients of one fault.
#[derive(Debug, Clone)]
struct Budget {
    gate: Gate,
    memory: Memory,
    /// Time limit of a request.
    time_limit: Duration,
}

const CALLER: Caller = Caller { org_id: 1, purpose: Purpose::Person };

impl Fault {
    /// Whether the answer comes only with the time limit.
    fn waits(&self) -> bool {
        let (Expected::Error(text) | Expected::Shown(_, text)) = self.expected;
        TIMED_OUT.iter().any(|timed_out| text.contains(timed_out))
    }

    /// Starts the server and asks it `rounds` times after a warm-up. Returns what differs from the
    /// expectation, or what is left behind.
    async fn rounds(&self, rounds: usize, clock: Clock) -> Result<(), String> {
        let limits = GateLimits { permits: 4, ..GateLimits::default() };
        let gate = Gate::new("the server", limits);
        let time_limit = if self.waits() { TIME_LIMIT } else { PATIENCE };
        let budget = Budget { gate, memory: Memory::new(MEMORY_BYTES), time_limit };
        let server = (self.start)(budget.clone()).await;
        for _ in 0..WARM_UP.min(rounds) {
            self.once(server.as_ref(), clock).await?;
        }
        let before = InUse::settled(&InUse::now()).await;
        for _ in 0..rounds {
            self.once(server.as_ref(), clock).await?;
        }
        let after = InUse::settled(&before).await;
        if !after.is_within(&before) {
            return Err(format!("{before:?} before, {after:?} after"));
        }
        let (gate, memory) = (budget.gate.load(), budget.memory.load());
        match (gate.running, gate.waiting, memory.held_bytes) {
            (0, 0, 0) => Ok(()),
            held => Err(format!("permits, waiting, bytes: {held:?}")),
        }
    }

    async fn once(&self, server: &dyn Ask, clock: Clock) -> Result<(), String> {
        let started = Instant::now();
        let answer = server.ask().await;
        let took = started.elapsed();
        if took > self.within {
            return Err(format!("took {took:?}"));
        }
        if clock == Clock::Paused && self.waits() {
            return match answer {
                Err(error) if !TIMED_OUT.iter().any(|text| error.message().contains(text)) => {
                    Err(error.message())
                }
                _ => Ok(()),
            };
        }
        match (self.expected, answer) {
            (Expected::Error(expected), Err(error)) if error.message().contains(expected) => Ok(()),
            // On a busy machine nothing comes in time: then the same words are the error.
            (Expected::Shown(_, notice), Err(error))
                if self.needs_time && self.waits() && error.message().contains(notice) =>
            {
                Ok(())
            }
            (Expected::Shown(rows, notice), Ok(frames)) => {
                let bytes = frames.iter().map(|frame| frames::encode("A", frame).unwrap());
                let frames: Vec<Frame> = bytes.map(|bytes| Frame::read(&bytes)).collect();
                let found: usize = frames.iter().map(Frame::len).sum();
                let notices: Vec<String> = frames.iter().flat_map(Frame::notices).collect();
                let has_rows = match rows {
                    Rows::Exactly(rows) => found == rows,
                    Rows::Some => found > 0,
                };
                let has_notice = match notice {
                    "" => notices.is_empty(),
                    notice => notices.iter().any(|text| text.contains(notice)),
                };
                if has_rows && has_notice {
                    Ok(())
                } else {
                    Err(format!("{found} rows, {notices:?}"))
                }
            }
            (_, Err(error)) => Err(error.message()),
            (_, Ok(frames)) => Err(format!("{} frames", frames.len())),
        }
    }
}

/// What is in use by this process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InUse {
    /// Open files, by what they are.
    files: BTreeMap<String, usize>,
    /// Tasks of the runtime.
    tasks: usize,
    heap_bytes: usize,
}

impl InUse {
    fn now() -> Self {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
            // A file that is closed at this moment has no name; the folder itself is one of them.
            let Ok(name) = std::fs::read_link(entry.unwrap().path()) else { continue };
            let name = name.to_string_lossy();
            let kind = name.split(':').next().unwrap_or_default().to_owned();
            *files.entry(kind).or_insert(0) += 1;
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Self { files, tasks, heap_bytes: HEAP.current_usage() }
    }

    fn is_within(&self, before: &Self) -> bool {
        let all = |files: &BTreeMap<String, usize>| files.values().sum::<usize>();
        all(&self.files) <= all(&before.files) + IDLE_CONNECTION
            && self.tasks <= before.tasks + IDLE_CONNECTION
            && self.heap_bytes <= before.heap_bytes + MAX_GROWTH_BYTES
    }

    /// What is in use once it is not more than `before`, or after some patience. The ends of connections and
    /// tasks need a moment.
    async fn settled(before: &Self) -> Self {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = Self::now();
            if now.is_within(before) || std::time::Instant::now() > deadline {
                return now;
            }
        }
    }
}

fn faults() -> Vec<Fault> {
    [relays::faults(), prometheuses::faults()].into_iter().flatten().collect()
}

/// Fails with all that is wrong.
fn check(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The runs count the files and the heap of this process, so they take turns.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn a_thousand_rounds_leave_nothing_behind() {
    let _turn = ONE_AT_A_TIME.lock();
    let mut wrong = Vec::new();
    for fault in faults().iter().filter(|fault| !fault.needs_time) {
        let (clock, rounds) = if fault.waits() {
            (Clock::Paused, PAUSED_ROUNDS)
        } else {
            (Clock::Running, PROMPT_ROUNDS)
        };
        let is_paused = clock == Clock::Paused;
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(is_paused).build().unwrap();
        let done = runtime.block_on(fault.rounds(rounds, clock));
        wrong.extend(done.err().map(|what| format!("{}: {what}", fault.name)));
    }
    check(&wrong);
}

#[test]
fn time_limits_hold_by_the_clock() {
    let _turn = ONE_AT_A_TIME.lock();
    let mut wrong = Vec::new();
    for fault in faults() {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let done = runtime.block_on(fault.rounds(REAL_ROUNDS, Clock::Running));
        wrong.extend(done.err().map(|what| format!("{}: {what}", fault.name)));
    }
    check(&wrong);
}
