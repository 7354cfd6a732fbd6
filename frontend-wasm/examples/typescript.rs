//! The columns of the table and the engine's answers as TypeScript, on standard output.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(frontend_wasm::typescript::declarations().as_bytes())
}
