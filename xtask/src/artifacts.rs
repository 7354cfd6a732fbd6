//! Build results: the plugin folder `dist/`, the pet-shop cluster, the preview.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::download::remove_folder;
use crate::process::run;
use crate::progress::Step;
use crate::reproducible::remapped_paths;
use crate::stamp::Stamp;
use crate::toolchain::{MUSL, cargo, npm};
use crate::{wasm, workspace};

/// Path of the backend in `dist/`: `<executable>_<os>_<arch>`, as Grafana expects it.
const BACKEND: &str = "dist/datasource/gpx_hubble_linux_amd64";

/// Builds everything that Grafana loads into `dist/`: the frontend, the Wasm module and the
/// backend. `beside` are packages with a program of the same name that are compiled together with
/// the backend, so that they share its crates. [`program`] returns their paths.
pub(crate) async fn plugin(beside: &[&str]) -> Result<(), Failure> {
    wasm::build().await?;
    frontend().await?;
    backend(beside).await
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

async fn backend(beside: &[&str]) -> Result<(), Failure> {
    let mut title = String::from("gpx_hubble");
    for package in beside {
        title.push_str(", ");
        title.push_str(package);
    }
    let mut step = Step::start(title);
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--target", MUSL, "--package", "plugin"]);
    for package in beside {
        command.args(["--package", package]);
    }
    // ring's C parts need no libc, so the machine's own compiler is enough and musl-tools is not
    // needed.
    command.env("CC_x86_64_unknown_linux_musl", "cc");
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths());
    run(&mut step, &mut command).await?;
    let placed = place(&program("gpx_hubble"), &workspace::at(BACKEND))?;
    step.done(if placed { BACKEND } else { "up to date" });
    Ok(())
}

/// Path of a program that was compiled together with the backend.
pub(crate) fn program(name: &str) -> PathBuf {
    workspace::target().join(MUSL).join("release").join(name)
}

/// Puts `built` at `path` unless the same file is there; a running copy keeps its own.
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

/// Copies `dist/` to `folder`, which is emptied first. A program that runs from the copy is not
/// affected by the next build, whose files have other names: Grafana would answer 404.
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

/// Builds the preview's page.
pub(crate) async fn page() -> Result<(), Failure> {
    let mut step = Step::start("Preview page");
    let stamp = Stamp::of("page", &["preview/page", "package-lock.json", "tsconfig.json"])?;
    if stamp.is_current(&workspace::at("preview/page/build/index.html")) {
        step.done("up to date");
        return Ok(());
    }
    run(&mut step, npm().args(["run", "--silent", "build:page"])).await?;
    stamp.write()?;
    step.done("built");
    Ok(())
}

/// Builds programs for the tests, unoptimised like the tests' own crates. Returns the paths in the
/// order of `packages`.
pub(crate) async fn dev_programs<const N: usize>(
    packages: [&'static str; N],
) -> Result<[PathBuf; N], Failure> {
    let mut step = Step::start(packages.join(", "));
    let mut command = cargo();
    command.args(["build", "--locked", "--bins"]);
    for package in packages {
        command.args(["--package", package]);
    }
    run(&mut step, &mut command).await?;
    step.done("built");
    Ok(packages.map(|package| workspace::target().join("debug").join(package)))
}
