//! Printer of the query model's TypeScript declarations, to standard output.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(query::typescript::declarations().as_bytes())
}
