//! The panel's Wasm modules and their JavaScript bindings, in `frontend-wasm/pkg/`: the small decoder
//! and the whole engine, both built from one crate.
//!
//! The bindings come from the library of `wasm-bindgen`'s command line, pinned to the version that
//! the crate is compiled with, so that no tool has to be installed.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use wasm_bindgen_cli_support::Bindgen;

use crate::process::run;
use crate::progress::Step;
use crate::reproducible::remapped_paths;
use crate::stamp::Stamp;
use crate::toolchain::{WASM, cargo};
use crate::{Failure, workspace};

/// The crate of both modules.
const PACKAGE: &str = "frontend-wasm";

/// A module. The panel loads one or the other, so it is all Wasm of a page.
struct Module {
    /// Name of the example that cargo compiles, and of the files in `pkg/`.
    name: &'static str,
    /// Cargo's arguments for the features.
    features: &'static [&'static str],
    budget: Budget,
}

/// Maximum sizes of the Wasm of a page, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// Size on disk: Grafana serves a plugin's files uncompressed.
    pub(crate) raw: usize,
    /// Gzipped size, as behind a compressing proxy.
    pub(crate) gzipped: usize,
}

/// A module that was built.
pub(crate) struct Built {
    /// Name of its files.
    pub(crate) name: &'static str,
    /// The module.
    pub(crate) bytes: Vec<u8>,
    /// Maximum sizes.
    pub(crate) budget: Budget,
}

/// The last built modules.
///
/// Errors: a module was not built, or cannot be read.
pub(crate) fn built() -> std::io::Result<Vec<Built>> {
    let read = |module: &Module| {
        let bytes = std::fs::read(module.bound())?;
        Ok(Built { name: module.name, bytes, budget: module.budget })
    };
    MODULES.iter().map(read).collect()
}

/// The decoder, for pages without policies, and the engine that replaces it.
const MODULES: [Module; 2] = [
    // 443 KB and 170 KB gzipped. Packets, groups, conditions on cells, the values of a row by the names of
    // Hubble's flags and rows as Hubble's records came to 79 KB; without them 364 KB and 137 KB.
    Module {
        name: "decoder",
        features: &["--no-default-features"],
        budget: Budget { raw: 456_000, gzipped: 173_000 },
    },
    // 1,317 KB and 533 KB gzipped, with the same 77 KB. 700 KB cannot hold it: the
    // code of the policy engine alone is 495 KB (documents 108, judge 70, fixes 65, lints 61, YAML 48,
    // answers 47), what it instantiates of the standard library and of hashbrown 300 KB.
    Module { name: "engine", features: &[], budget: Budget { raw: 1_350_000, gzipped: 546_000 } },
];

/// Binaryen's optimiser, compiled for Node.js.
const WASM_OPT: &str = "node_modules/binaryen/bin/wasm-opt";

/// Error of wasm-bindgen.
#[derive(Debug, thiserror::Error)]
#[error("the JavaScript bindings of `{}` could not be made", module.display())]
pub(crate) struct BindingsError {
    module: PathBuf,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Module {
    /// Path of cargo's output.
    fn compiled(&self) -> PathBuf {
        let folder = workspace::target().join(WASM).join("wasm").join("examples");
        folder.join(self.name).with_extension("wasm")
    }

    /// Path of the module for the frontend's bundler and tests.
    fn bound(&self) -> PathBuf {
        folder().join(format!("{}_bg.wasm", self.name))
    }
}

/// Folder of the modules and their bindings.
fn folder() -> PathBuf {
    workspace::at(PACKAGE).join("pkg")
}

/// Compiles the modules, makes their bindings and shrinks them. Modules that are current are
/// skipped.
///
/// Errors: the crate does not compile, or a tool fails.
pub(crate) async fn build() -> Result<(), Failure> {
    for module in &MODULES {
        build_one(module).await?;
    }
    Ok(())
}

async fn build_one(module: &Module) -> Result<(), Failure> {
    let mut step = Step::start(format!("Wasm module {}", module.name));
    let mut command = cargo();
    command.args(["build", "--locked", "--package", PACKAGE, "--example", module.name]);
    command.args(module.features).args(["--profile", "wasm", "--target", WASM]);
    // wasm-bindgen reads the compiler's Wasm features from a custom section. Stripping would remove
    // it, so `shrink` strips later.
    command.env("CARGO_PROFILE_WASM_STRIP", "none");
    let mut flags = remapped_paths();
    // The loop is not unrolled: unrolling costs 3 KB on the wire for a few hashes per set of
    // policies.
    flags.push("\u{1f}--cfg=sha2_backend_soft=\"compact\"");
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    run(&mut step, &mut command).await?;

    let compiled = module.compiled();
    let stamp = Stamp::of(
        module.name,
        &[
            compiled.as_path(),
            Path::new("Cargo.lock"),
            Path::new("package-lock.json"),
            Path::new("xtask/src/wasm.rs"),
        ],
    )?;
    let bound = module.bound();
    if stamp.is_current(&bound) {
        step.done("up to date");
        return Ok(());
    }
    bind(&compiled, module.name)?;
    shrink(&mut step, &bound).await?;
    stamp.write()?;
    let bytes = std::fs::metadata(&bound)?.len();
    step.done(&format!("{} KB", bytes.div_ceil(1000)));
    Ok(())
}

fn bind(module: &Path, name: &str) -> Result<(), BindingsError> {
    let generate = || {
        let mut bindgen = Bindgen::new();
        bindgen
            .web(true)?
            .input_path(module)
            .out_name(name)
            .typescript(true)
            .remove_producers_section(true)
            // The panel passes the module's address: chunks of a plugin have none of their own.
            .omit_default_module_path(true);
        bindgen.generate(folder())
    };
    generate().map_err(|cause| BindingsError { module: module.to_owned(), cause: cause.into() })
}

/// Rewrites `module` in place, with the features that rustc enables for its target.
async fn shrink(step: &mut Step, module: &Path) -> Result<(), Failure> {
    let mut command = Command::new("node");
    command
        .current_dir(workspace::root())
        .arg(WASM_OPT)
        .args([
            // Smallest when gzipped, which the gate measures: inlining and -Oz make fewer but less
            // similar bytes. 189 KB against 201 KB with -Oz, for the verdicts of policies.
            "-O2",
            "--one-caller-inline-max-function-size",
            "0",
            "--always-inline-max-function-size",
            "0",
            "--flexible-inline-max-function-size",
            "0",
            // Instances of a generic function are placed next to each other, where gzip finds their
            // similarity: 2 % less for each module. Names are removed afterwards.
            "--reorder-functions-by-name",
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
