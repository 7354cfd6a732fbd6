//! The panel's Wasm module and its JavaScript bindings, in `frontend-wasm/pkg/`.
//!
//! The bindings come from the library behind `wasm-bindgen`'s command line, pinned to the version
//! that the crate is compiled with, so that no tool has to be installed.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use wasm_bindgen_cli_support::Bindgen;

use crate::process::run;
use crate::progress::Step;
use crate::reproducible::remapped_paths;
use crate::stamp::Stamp;
use crate::toolchain::{WASM, cargo};
use crate::{Failure, workspace};

/// What cargo makes, relative to the checkout.
const MODULE: &str = "target/wasm32-unknown-unknown/wasm/frontend_wasm.wasm";
/// What the frontend's bundler and its tests take.
const BOUND: &str = "frontend-wasm/pkg/frontend_wasm_bg.wasm";
/// Binaryen's optimiser, compiled for Node.js.
const WASM_OPT: &str = "node_modules/binaryen/bin/wasm-opt";

/// What wasm-bindgen could not do.
#[derive(Debug, thiserror::Error)]
#[error("the JavaScript bindings of `{}` could not be made", module.display())]
pub(crate) struct BindingsError {
    module: PathBuf,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Compiles the module, makes its bindings and shrinks it. Nothing is done twice.
///
/// Errors: the crate does not compile, or a tool fails.
pub(crate) async fn build() -> Result<(), Failure> {
    let mut step = Step::start("Wasm module");
    let mut command = cargo();
    command.args([
        "build",
        "--locked",
        "--package",
        "frontend-wasm",
        "--profile",
        "wasm",
        "--target",
        WASM,
    ]);
    // wasm-bindgen reads from a custom section which features of Wasm the compiler used; stripping
    // takes that section too, and what may go is taken off below.
    command.env("CARGO_PROFILE_WASM_STRIP", "none");
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths());
    run(&mut step, &mut command).await?;

    let stamp = Stamp::of("wasm", &[MODULE, "Cargo.lock", "package-lock.json"])?;
    let bound = workspace::at(BOUND);
    if stamp.is_current(&bound) {
        step.done("up to date");
        return Ok(());
    }
    bind(&workspace::at(MODULE), &workspace::at("frontend-wasm/pkg"))?;
    shrink(&mut step, &bound).await?;
    stamp.write()?;
    let bytes = std::fs::metadata(&bound)?.len();
    step.done(&format!("{} KB", bytes.div_ceil(1000)));
    Ok(())
}

fn bind(module: &Path, folder: &Path) -> Result<(), BindingsError> {
    let generate = || {
        let mut bindgen = Bindgen::new();
        bindgen
            .web(true)?
            .input_path(module)
            .out_name("frontend_wasm")
            .typescript(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            // The panel says where the module lies: chunks of a plugin have no address of their own.
            .omit_default_module_path(true);
        bindgen.generate(folder)
    };
    generate().map_err(|cause| BindingsError { module: module.to_owned(), cause: cause.into() })
}

/// Rewrites `module` in place. The features are those that rustc turns on for its target.
async fn shrink(step: &mut Step, module: &Path) -> Result<(), Failure> {
    let mut command = Command::new("node");
    command
        .current_dir(workspace::root())
        .arg(WASM_OPT)
        .args([
            "-Oz",
            "--strip-debug",
            "--enable-bulk-memory",
            "--enable-bulk-memory-opt",
            "--enable-call-indirect-overlong",
            "--enable-multivalue",
            "--enable-mutable-globals",
            "--enable-nontrapping-float-to-int",
            "--enable-reference-types",
            "--enable-sign-ext",
        ])
        .arg(module)
        .arg("-o")
        .arg(module);
    run(step, &mut command).await?;
    Ok(())
}
