use std::{fs::File, io::Read, path::Path};

use flate2::read::GzDecoder;

use crate::VectorsError;

/// The text of a file, plain or gzipped.
pub fn read_lines(path: &Path) -> Result<String, VectorsError> {
    read(path).map_err(|source| VectorsError::File { path: path.display().to_string(), source })
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        bytes.as_slice().read_to_string(&mut text)?;
    }
    Ok(text)
}
