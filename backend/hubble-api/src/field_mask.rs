//! Field masks on flows, applied to the wire form: a field is kept if the mask contains it or a
//! field around it. Source: `pkg/hubble/parser/fieldmask`.

use std::collections::BTreeMap;

use crate::pb::flow::Flow;
use crate::schema::{Cardinality, Descriptor, FLOW_FLOW, FieldType};
use bytes::{Buf, BufMut};
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// Error: a path does not lead to a field of a flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fieldmask: a flow has no field `{0}`")]
pub struct InvalidFieldMask(String);

/// Fields of a message to keep, by field number. A mask with the field itself keeps all of it.
type Keep = BTreeMap<u32, Part>;

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// Parts of the message in the field. Hubble allocates the message if the flow has none, unless
    /// it belongs to a `oneof`.
    Of {
        keep: Keep,
        is_allocated: bool,
    },
}

/// Fields of a flow that a client requests.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldMask(Keep);

impl FieldMask {
    /// Reads the paths of a mask. Errors: a path does not lead to a field.
    pub fn new(paths: &[String]) -> Result<Self, InvalidFieldMask> {
        let mut keep = Keep::default();
        for path in paths {
            add(&mut keep, &FLOW_FLOW, path).ok_or_else(|| InvalidFieldMask(path.clone()))?;
        }
        Ok(Self(keep))
    }

    /// Copy of a flow with only the mask's fields.
    pub fn apply(&self, flow: &Flow) -> Flow {
        let bytes = flow.encode_to_vec();
        let mut kept = Vec::with_capacity(bytes.len());
        // Our own encoder wrote the bytes, so they decode.
        copy(&self.0, &bytes, &mut kept);
        Flow::decode(kept.as_slice()).unwrap_or_default()
    }
}

fn add(keep: &mut Keep, message: &'static Descriptor, path: &str) -> Option<()> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let field = message.field(name)?;
    let Some(rest) = rest else {
        keep.insert(field.number, Part::Whole);
        return Some(());
    };
    // Repeated fields end a path.
    if field.cardinality == Cardinality::Many {
        return None;
    }
    let is_allocated = field.cardinality == Cardinality::One;
    let part = keep
        .entry(field.number)
        .or_insert_with(|| Part::Of { keep: Keep::default(), is_allocated });
    // A path below a field that is kept whole is still checked.
    let mut below = Keep::default();
    let keep = match part {
        Part::Whole => &mut below,
        Part::Of { keep, .. } => keep,
    };
    match field.kind {
        FieldType::Message(inner) => add(keep, inner, rest),
        kind => {
            keep.insert(number_within(kind, rest)?, Part::Whole);
            Some(())
        }
    }
}

/// Field number within one of protobuf's own messages.
fn number_within(kind: FieldType, name: &str) -> Option<u32> {
    match (kind, name) {
        (FieldType::Timestamp, "seconds")
        | (FieldType::Any, "type_url")
        | (FieldType::BoolValue | FieldType::Int32Value | FieldType::Uint32Value, "value") => {
            Some(1)
        }
        (FieldType::Timestamp, "nanos") | (FieldType::Any, "value") => Some(2),
        _ => None,
    }
}

/// Copies the fields to keep. `None` if the bytes are not a message.
fn copy(keep: &Keep, mut bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut seen = Vec::new();
    while bytes.has_remaining() {
        let (number, wire_type) = decode_key(&mut bytes).ok()?;
        let length = match wire_type {
            WireType::Varint => {
                let value = decode_varint(&mut bytes).ok()?;
                if keep.contains_key(&number) {
                    encode_key(number, wire_type, out);
                    encode_varint(value, out);
                }
                continue;
            }
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut bytes).ok()?).ok()?,
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let (value, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        seen.push(number);
        match keep.get(&number) {
            None => {}
            Some(Part::Whole) => {
                encode_key(number, wire_type, out);
                if wire_type == WireType::LengthDelimited {
                    encode_varint(value.len() as u64, out);
                }
                out.put_slice(value);
            }
            Some(Part::Of { keep: inner, .. }) => {
                let mut kept = Vec::new();
                copy(inner, value, &mut kept)?;
                put_message(number, &kept, out);
            }
        }
    }
    for (&number, part) in keep {
        if let Part::Of { keep: inner, is_allocated: true } = part
            && !seen.contains(&number)
        {
            let mut empty = Vec::new();
            copy(inner, &[], &mut empty)?;
            put_message(number, &empty, out);
        }
    }
    Some(())
}

fn put_message(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use crate::pb::flow::{Endpoint, Layer4, Tcp, TcpFlags, Udp, layer4};

    use super::*;

    fn mask(paths: &[&str]) -> Result<FieldMask, InvalidFieldMask> {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        FieldMask::new(&paths)
    }

    fn flow() -> Flow {
        Flow {
            uuid: "u".to_owned(),
            node_name: "c/n".to_owned(),
            is_reply: Some(false),
            source_names: vec!["a".to_owned(), "b".to_owned()],
            source: Some(Endpoint {
                identity: 300,
                pod_name: "p".to_owned(),
                labels: vec!["k8s:app=p".to_owned()],
                ..Endpoint::default()
            }),
            l4: Some(Layer4 {
                protocol: Some(layer4::Protocol::Tcp(Tcp {
                    source_port: 1,
                    destination_port: 2,
                    flags: Some(TcpFlags { syn: true, ..TcpFlags::default() }),
                })),
            }),
            ..Flow::default()
        }
    }

    #[test]
    fn a_mask_keeps_its_fields() {
        let check = |paths: &[&str], want: Flow| {
            assert_eq!(mask(paths).unwrap().apply(&flow()), want, "{paths:?}");
        };
        check(&["uuid"], Flow { uuid: "u".to_owned(), ..Flow::default() });
        check(
            &["node_name", "source.identity", "is_reply", "source_names"],
            Flow {
                node_name: "c/n".to_owned(),
                is_reply: Some(false),
                source_names: vec!["a".to_owned(), "b".to_owned()],
                source: Some(Endpoint { identity: 300, ..Endpoint::default() }),
                ..Flow::default()
            },
        );
        check(&["source", "source.identity"], Flow { source: flow().source, ..Flow::default() });
        // Hubble's quirk: an endpoint on the path to a field exists even if it is empty.
        check(
            &["destination.identity"],
            Flow { destination: Some(Endpoint::default()), ..Flow::default() },
        );
        check(
            &["l4.TCP.destination_port", "l4.UDP.source_port"],
            Flow {
                l4: Some(Layer4 {
                    protocol: Some(layer4::Protocol::Tcp(Tcp {
                        destination_port: 2,
                        ..Tcp::default()
                    })),
                }),
                ..Flow::default()
            },
        );
    }

    #[test]
    fn the_last_of_two_oneof_members_does_not_win() {
        let mut udp = flow();
        udp.l4 = Some(Layer4 {
            protocol: Some(layer4::Protocol::Udp(Udp { source_port: 7, destination_port: 53 })),
        });
        let kept = mask(&["l4.TCP.flags.SYN", "l4.UDP.destination_port"]).unwrap().apply(&udp);
        assert_eq!(
            kept.l4.and_then(|l4| l4.protocol),
            Some(layer4::Protocol::Udp(Udp { source_port: 0, destination_port: 53 }))
        );
    }

    #[test]
    fn an_unknown_path_is_refused() {
        let check = |path: &str| {
            assert_eq!(mask(&["uuid", path]), Err(InvalidFieldMask(path.to_owned())));
        };
        check("nope");
        check("");
        check("uuid.x");
        check("source.labels.x");
        check("l4.QUIC");
        check("src");
    }
}
