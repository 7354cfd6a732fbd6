//! Wording of the texts that users read: notices with a severity, suggestions for unknown names,
//! bounded lists, excerpts of input, times, and errors with their causes.

mod answer;
mod causes;
mod count;
mod excerpt;
pub mod names;
mod notice;
mod time;

pub use self::answer::{answer_excerpt, quote_answer};
pub use self::causes::with_causes;
pub use self::count::count;
pub use self::excerpt::quote;
pub use self::notice::{Notice, Severity};
pub use self::time::time_text;
