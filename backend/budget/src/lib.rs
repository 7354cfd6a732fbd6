//! Budget of the process: what all queries together may use.
//!
//! - A [`Gate`] bounds the work that runs at once: scans of one relay, calls of one Prometheus, reads
//!   of policies. Further work waits in a queue with a time limit, fair between organisations. Alert
//!   rules have permits of their own and go first.
//! - [`Memory`] bounds the bytes that answers hold, as a share of the [`MemoryLimit`] of the process.
//!   An answer that needs more is refused before the system ends the process.
//! - [`Shaping`] bounds the long work on answers, outside of the threads that serve the network.
//! - [`Flights`] do equal work once for all who ask for it at the same time.
//!
//! A refusal says what is in use and what helps. Every gate and the memory report their [`GateLoad`] and
//! [`MemoryLoad`]; [`GateMetrics`], [`Refusals`] and [`CacheMetrics`] count since the start.

mod caller;
mod flights;
mod gate;
mod gate_limits;
mod gates;
mod memory;
mod memory_limit;
mod metrics;
mod queue;
mod shaping;

pub use self::caller::{Caller, Purpose};
pub use self::flights::Flights;
pub use self::gate::{Busy, Gate, GateLoad, Permit};
pub use self::gate_limits::GateLimits;
pub use self::gates::Gates;
pub use self::memory::{Held, Memory, MemoryLoad, OutOfMemory};
pub use self::memory_limit::{MemoryLimit, MemoryLimitSource};
pub use self::metrics::{CacheMetrics, GateMetrics, Refusals};
pub use self::shaping::Shaping;
