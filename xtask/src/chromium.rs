//! A real browser for the tests.

use std::path::PathBuf;

use crate::Failure;
use crate::process::{on_path, privileged, run};
use crate::progress::Step;

/// Names under which distributions install it.
const PROGRAMS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Error for a missing browser.
#[derive(Debug, thiserror::Error)]
#[error(
    "no Chromium is on the PATH and it could not be installed ({0}); on Debian: `apt-get install chromium`, or name one with CHROMIUM=<program>"
)]
pub(crate) struct NoChromium(&'static str);

/// Finds a browser, in this order: `CHROMIUM`, the PATH, Debian's package (which is installed and
/// needs root or sudo).
pub(crate) async fn find() -> Result<PathBuf, Failure> {
    let mut step = Step::start("Chromium");
    if let Some(given) =
        std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.is_file())
    {
        step.done("from CHROMIUM");
        return Ok(given);
    }
    if let Some(found) = PROGRAMS.into_iter().find_map(on_path) {
        step.done(&found.display().to_string());
        return Ok(found);
    }
    if on_path("apt-get").is_none() {
        return Err(NoChromium("no apt-get").into());
    }
    let apt =
        || privileged("apt-get").ok_or(NoChromium("neither root nor sudo without a password"));
    run(&mut step, apt()?.args(["update", "-q"])).await?;
    run(&mut step, apt()?.args(["install", "-y", "-q", "--no-install-recommends", "chromium"]))
        .await?;
    let found =
        PROGRAMS.into_iter().find_map(on_path).ok_or(NoChromium("apt-get installed none"))?;
    step.done("installed with apt-get");
    Ok(found)
}
