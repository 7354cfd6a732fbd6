//! Packed flows for the flows panel: the relay's own bytes in an ordinary frame.

use std::sync::Arc;

use arrow::array::StringBuilder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::{Field, Frame, Meta};

/// Bytes of the packed stream per row, which are 64 KiB of base64. The browser takes twice as long
/// to read one huge cell as rows of this size.
const SLICE_BYTES: usize = 49_152;

/// Format name, which the panel checks before it decodes.
const FORMAT: &str = "hubble-flows/1";

/// Frame with the packed stream `packed` of `flows` flows.
pub fn packed_flows(packed: &[u8], flows: usize, meta: Meta) -> Frame {
    let rows = packed.len().div_ceil(SLICE_BYTES);
    let mut builder = StringBuilder::with_capacity(rows, packed.len() / 3 * 4 + rows * 4);
    let mut text = String::new();
    for slice in packed.chunks(SLICE_BYTES) {
        text.clear();
        STANDARD.encode_string(slice, &mut text);
        builder.append_value(&text);
    }
    let mut custom = meta.custom;
    custom.insert("packed".to_owned(), json!(FORMAT));
    custom.insert("flows".to_owned(), json!(flows));
    Frame {
        name: "packed flows".to_owned(),
        fields: vec![Field::new("packed", Arc::new(builder.finish()))],
        meta: Meta {
            custom,
            preferred_visualisation_plugin_id: Some("k8snet-flows-panel"),
            ..meta
        },
    }
}
