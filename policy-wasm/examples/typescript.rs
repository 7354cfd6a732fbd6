//! The answers of the policy engine as TypeScript, on standard output.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(policy_wasm::typescript::declarations().as_bytes())
}
