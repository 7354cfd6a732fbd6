//! Generated Rust: the code from `proto/` and from the columns of `flow` in
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

use super::committed::{self, CommittedError};
use crate::workspace;

const FACTS: &str = "backend/cilium-policy/schemas/policies.facts";

const PROTOS: [&str; 3] = ["flow/flow.proto", "observer/observer.proto", "relay/relay.proto"];

/// Reason why generated Rust could not be made, written or verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RustError {
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
    /// A source cannot be read.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// A generated file differs, or cannot be written.
    #[error(transparent)]
    Committed(#[from] CommittedError),
}

/// Generates the Rust of every proto package. With `check` nothing is written, and a different committed
/// file is an error.
pub(crate) fn wire(check: bool) -> Result<(), RustError> {
    let out = Path::new("backend/hubble-api/src/generated");
    for (name, text) in generate(&workspace::at("proto"))? {
        committed::write(&out.join(name), &text, "proto/", check)?;
    }
    Ok(())
}

/// Generates the schema tables, with the same `check`.
pub(crate) fn schema_tables(check: bool) -> Result<(), RustError> {
    let path = workspace::at(FACTS);
    let facts = fs::read_to_string(&path).map_err(|source| RustError::Read { path, source })?;
    let text = schemas::tables(&facts).map_err(RustError::Schemas)?;
    let out = Path::new("backend/cilium-policy/src/server/generated/tables.rs");
    Ok(committed::write(out, &text, FACTS, check)?)
}

/// Generates the Unicode tables, with the same `check`.
pub(crate) fn unicode_tables(check: bool) -> Result<(), RustError> {
    let text = unicode::tables().map_err(RustError::Unicode)?;
    let out = Path::new("backend/vocabulary/src/re2/tables.rs");
    Ok(committed::write(out, &text, "xtask/src/generate/rust/unicode.rs", check)?)
}

/// The generated files: name → content.
fn generate(protos: &Path) -> Result<BTreeMap<String, String>, RustError> {
    let set = protox::compile(PROTOS, [protos]).map_err(RustError::Compile)?;
    let tables = descriptors::tables(&set.file).map_err(RustError::Descriptors)?;
    let readers = projection::readers(&set.file).map_err(RustError::Projection)?;
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
        .map_err(RustError::Generate)?;
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
