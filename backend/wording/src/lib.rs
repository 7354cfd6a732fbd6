//! The wording of sentences that users read, the same in every answer: a notice with its severity,
//! an unknown name with the one that is meant, a list that has an end, an excerpt of what a user
//! wrote, a time, and an error together with its causes.

mod causes;
mod excerpt;
pub mod names;
mod notice;
mod time;

pub use self::causes::with_causes;
pub use self::excerpt::quote;
pub use self::notice::{Notice, Severity};
pub use self::time::time_text;
