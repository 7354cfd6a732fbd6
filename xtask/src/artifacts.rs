//! What is built: the plugin folder `dist/`, the pet-shop cluster, the preview.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;
use crate::download::remove_folder;
use crate::process::run;
use crate::progress::Step;
use crate::reproducible::remapped_paths;
use crate::stamp::Stamp;
use crate::toolchain::{MUSL, cargo, npm};
use crate::{wasm, workspace};

/// How the programs that only the demo and the tests run are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    /// The tests compile these crates so anyway.
    Dev,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}

/// The backend's place in `dist/`: `<executable>_<os>_<arch>`, as Grafana looks for it.
const BACKEND: &str = "dist/datasource/gpx_hubble_linux_amd64";

/// Everything that Grafana loads, in `dist/`: the frontend, the Wasm module and the backend.
pub(crate) async fn plugin() -> Result<(), Failure> {
    wasm::build().await?;
    frontend().await?;
    backend().await
}

async fn frontend() -> Result<(), Failure> {
    let mut step = Step::start("Plugin frontend");
    let stamp = Stamp::of(
        "frontend",
        &[
            "src",
            "frontend-wasm/pkg",
            "package-lock.json",
            "package.json",
            "webpack.config.mjs",
            "tsconfig.json",
            "LICENSE",
            "README.md",
            "CHANGELOG.md",
        ],
    )?;
    if stamp.is_current(&workspace::at("dist/panel/module.js")) {
        step.done("up to date");
        return Ok(());
    }
    run(&mut step, npm().args(["run", "--silent", "build"])).await?;
    stamp.write()?;
    step.done("dist/");
    Ok(())
}

async fn backend() -> Result<(), Failure> {
    let mut step = Step::start("Plugin backend gpx_hubble");
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--package", "plugin", "--target", MUSL]);
    // ring's C parts need no libc: the machine's own compiler will do, musl-tools need not be there.
    command.env("CC_x86_64_unknown_linux_musl", "cc");
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths());
    run(&mut step, &mut command).await?;
    let built = workspace::at(Path::new("target").join(MUSL).join("release/gpx_hubble"));
    let placed = place(&built, &workspace::at(BACKEND))?;
    step.done(if placed { BACKEND } else { "up to date" });
    Ok(())
}

/// Puts `built` at `path` unless the very same file is there; a running copy keeps its own.
fn place(built: &Path, path: &Path) -> io::Result<bool> {
    let program = fs::read(built)?;
    if fs::read(path).is_ok_and(|there| there == program) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension("partial");
    fs::copy(built, &partial)?;
    fs::rename(&partial, path)?;
    Ok(true)
}

/// Copies `dist/` to `folder`, which is emptied first: what runs from there does not notice the
/// next build, whose files have other names and which Grafana would answer with 404.
pub(crate) fn copy_plugin(folder: &Path) -> io::Result<()> {
    remove_folder(folder)?;
    copy_folder(&workspace::at("dist"), folder)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, copy) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if path.is_dir() {
            copy_folder(&path, &copy)?;
        } else {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}

/// The pet-shop cluster's program.
pub(crate) async fn petshop(profile: Profile) -> Result<PathBuf, Failure> {
    program("Pet-shop cluster", "petshop", profile).await
}

/// The preview's program, and its page.
pub(crate) async fn preview(profile: Profile) -> Result<PathBuf, Failure> {
    let mut step = Step::start("Preview page");
    let stamp = Stamp::of("page", &["preview/page", "package-lock.json", "tsconfig.json"])?;
    if stamp.is_current(&workspace::at("preview/page/build/index.html")) {
        step.done("up to date");
    } else {
        run(&mut step, npm().args(["run", "--silent", "build:page"])).await?;
        stamp.write()?;
        step.done("built");
    }
    program("Preview", "preview", profile).await
}

async fn program(title: &str, package: &str, profile: Profile) -> Result<PathBuf, Failure> {
    let mut step = Step::start(title);
    let mut command: Command = cargo();
    command.args(["build", "--locked", "--package", package, "--bin", package]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    run(&mut step, &mut command).await?;
    step.done("built");
    Ok(workspace::at(Path::new("target").join(profile.folder()).join(package)))
}
