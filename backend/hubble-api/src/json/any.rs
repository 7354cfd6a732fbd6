//! JSON of `google.protobuf.Any`: the type among the fields of the message, or beside its value.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Name of the type in the JSON object.
pub(super) const TYPE: &str = "@type";
/// Name of the value, for types with a JSON form of their own.
pub(super) const VALUE: &str = "value";
/// A type with a JSON form of its own.
pub(super) const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// Accepts base64 with and without padding, like Go.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Bytes in base64 of either alphabet; `None` for other texts.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(text).ok()
}
