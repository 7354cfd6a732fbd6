//! Examples of the crates that write a generated file, or a part of one, on standard output.

use std::process::{Command, Stdio};

use crate::workspace;

/// Reason why an example wrote nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExampleError {
    #[error("cargo cannot be started")]
    Start(#[source] std::io::Error),
    #[error("the example `{example}` failed")]
    Failed { example: String },
    #[error("the example `{example}` wrote what is not UTF-8")]
    Text { example: String },
}

/// Standard output of an example of `package`, built with `features`: arguments of cargo.
///
/// Errors: the crate does not compile, or the example fails.
pub(crate) fn output(
    package: &str,
    example: &str,
    features: &[&str],
) -> Result<String, ExampleError> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", package, "--example", example])
        .args(features)
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(ExampleError::Start)?;
    if !output.status.success() {
        return Err(ExampleError::Failed { example: example.to_owned() });
    }
    String::from_utf8(output.stdout).map_err(|_| ExampleError::Text { example: example.to_owned() })
}
