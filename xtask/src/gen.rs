//! `cargo xtask gen`, generated Rust: the code from `proto/` and from the columns of `flow` in
//! `backend/hubble-api/src/generated/`, the schema tables in `backend/cilium-policy/src/server/`,
//! and the Unicode tables in `backend/vocabulary/src/re2/`. The results are committed, so that a
//! build needs neither this step nor a protobuf compiler.

mod descriptors;
mod projection;
mod schemas;
mod unicode;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use prost_build::Module;

const FACTS: &str = "backend/cilium-policy/schemas/policies.facts";

const PROTOS: [&str; 3] = ["flow/flow.proto", "observer/observer.proto", "relay/relay.proto"];

/// Reason why the generated code could not be made, written or verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenError {
    /// A `.proto` file is missing or not valid.
    #[error("cannot compile the files of `proto/`")]
    Compile(#[source] protox::Error),
    /// The compiled files cannot be turned into Rust.
    #[error("cannot generate Rust from `proto/`")]
    Generate(#[source] io::Error),
    /// The JSON code does not support a field.
    #[error("cannot generate the JSON tables from `proto/`")]
    Descriptors(#[source] descriptors::UnknownType),
    /// A column is read from a field that does not exist.
    #[error("cannot generate the projection from `proto/`")]
    Projection(#[source] projection::UnknownField),
    /// The tables of schemas cannot be made.
    #[error("cannot generate the tables of `{FACTS}`")]
    Schemas(#[source] schemas::UnreadableFact),
    /// The library's Unicode data does not fit the tables.
    #[error("cannot make the Unicode tables")]
    Unicode(#[source] unicode::TablesError),
    /// A generated file cannot be read.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// A generated file cannot be written.
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    /// The committed file differs from the generated one.
    #[error("`{path}` does not match `{from}`: run `cargo xtask gen`")]
    Stale { path: PathBuf, from: &'static str },
}

/// Generates the Rust of every proto package under `root`, the repository's top folder. With
/// `check` nothing is written, and a different committed file is an error.
pub(crate) fn wire(root: &Path, check: bool) -> Result<(), GenError> {
    let out = root.join("backend/hubble-api/src/generated");
    for (name, text) in generate(&root.join("proto"))? {
        write(&out.join(name), &text, "proto/", check)?;
    }
    Ok(())
}

/// Generates the schema tables, with the same `check`.
pub(crate) fn tables(root: &Path, check: bool) -> Result<(), GenError> {
    let facts = read(&root.join(FACTS))?;
    let text = schemas::tables(&facts).map_err(GenError::Schemas)?;
    write(&root.join("backend/cilium-policy/src/server/generated/tables.rs"), &text, FACTS, check)
}

/// Generates the Unicode tables, with the same `check`.
pub(crate) fn expressions(root: &Path, check: bool) -> Result<(), GenError> {
    let text = unicode::tables().map_err(GenError::Unicode)?;
    write(
        &root.join("backend/vocabulary/src/re2/tables.rs"),
        &text,
        "xtask/src/gen/unicode.rs",
        check,
    )
}

fn read(path: &Path) -> Result<String, GenError> {
    fs::read_to_string(path).map_err(|source| GenError::Read { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str, from: &'static str, check: bool) -> Result<(), GenError> {
    let committed = match read(path) {
        Err(GenError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            String::new()
        }
        read => read?,
    };
    if committed == text {
        return Ok(());
    }
    let path = path.to_owned();
    if check {
        return Err(GenError::Stale { path, from });
    }
    fs::write(&path, text).map_err(|source| GenError::Write { path, source })
}

/// The generated files: name → content.
fn generate(protos: &Path) -> Result<BTreeMap<String, String>, GenError> {
    let set = protox::compile(PROTOS, [protos]).map_err(GenError::Compile)?;
    let tables = descriptors::tables(&set.file).map_err(GenError::Descriptors)?;
    let readers = projection::readers(&set.file).map_err(GenError::Projection)?;
    let services = tonic_build::configure()
        .client_mod_attribute("observer", "#[cfg(feature = \"client\")]")
        .server_mod_attribute("observer", "#[cfg(feature = \"server\")]")
        .service_generator();
    let requests = set
        .file
        .into_iter()
        .map(|file| (Module::from_protobuf_package_name(file.package()), file))
        .collect();
    let modules = prost_build::Config::new()
        .service_generator(services)
        .generate(requests)
        .map_err(GenError::Generate)?;
    // prost needs google's files for its graph of messages; their Rust comes from prost-types.
    let rust = modules
        .into_iter()
        .filter(|(module, _)| !module.parts().any(|part| part == "google"))
        .map(|(module, text)| (module.to_file_name_or("_"), text));
    Ok(rust
        .chain([("descriptors.rs".to_owned(), tables), ("projection.rs".to_owned(), readers)])
        .map(|(name, text)| {
            (name, format!("// Made from proto/ by `cargo xtask gen`; change it there.\n{text}"))
        })
        .collect())
}
