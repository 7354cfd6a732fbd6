//! Field masks on flows (pkg/hubble/parser/fieldmask), applied to the wire form: a field stays
//! when the mask names it or something above it, and goes otherwise.

use std::collections::BTreeMap;

use hubble_api::pb::flow::Flow;
use prost::Message as _;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// A path that names no field of a flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fieldmask: a flow has no field `{0}`")]
pub(crate) struct InvalidFieldMask(String);

/// A message's fields: name, number, and the fields of the message behind it, if it is one
/// that a path may lead through. Repeated fields end a path.
struct Schema {
    fields: &'static [(&'static str, u32, Option<&'static Schema>)],
    /// The fields exclude each other (`oneof`): a missing one is not filled in.
    one_of: bool,
}

const fn plain(fields: &'static [(&'static str, u32, Option<&'static Schema>)]) -> Schema {
    Schema { fields, one_of: false }
}

const fn one_of(fields: &'static [(&'static str, u32, Option<&'static Schema>)]) -> Schema {
    Schema { fields, one_of: true }
}

static TIMESTAMP: Schema = plain(&[("seconds", 1, None), ("nanos", 2, None)]);
static BOOL_VALUE: Schema = plain(&[("value", 1, None)]);
static ETHERNET: Schema = plain(&[("source", 1, None), ("destination", 2, None)]);
static IP: Schema = plain(&[
    ("source", 1, None),
    ("destination", 2, None),
    ("ipVersion", 3, None),
    ("encrypted", 4, None),
    ("source_xlated", 5, None),
]);
static TCP_FLAGS: Schema = plain(&[
    ("FIN", 1, None),
    ("SYN", 2, None),
    ("RST", 3, None),
    ("PSH", 4, None),
    ("ACK", 5, None),
    ("URG", 6, None),
    ("ECE", 7, None),
    ("CWR", 8, None),
    ("NS", 9, None),
]);
static TCP: Schema = plain(&[
    ("source_port", 1, None),
    ("destination_port", 2, None),
    ("flags", 3, Some(&TCP_FLAGS)),
]);
static UDP: Schema = plain(&[("source_port", 1, None), ("destination_port", 2, None)]);
static ICMP: Schema = plain(&[("type", 1, None), ("code", 2, None)]);
static SCTP: Schema =
    plain(&[("source_port", 1, None), ("destination_port", 2, None), ("chunk_type", 3, None)]);
static VRRP: Schema = plain(&[("type", 1, None), ("vrid", 2, None), ("priority", 3, None)]);
static IGMP: Schema = plain(&[("type", 1, None), ("group_address", 2, None)]);
static LAYER4: Schema = one_of(&[
    ("TCP", 1, Some(&TCP)),
    ("UDP", 2, Some(&UDP)),
    ("ICMPv4", 3, Some(&ICMP)),
    ("ICMPv6", 4, Some(&ICMP)),
    ("SCTP", 5, Some(&SCTP)),
    ("VRRP", 6, Some(&VRRP)),
    ("IGMP", 7, Some(&IGMP)),
]);
static ENDPOINT: Schema = plain(&[
    ("ID", 1, None),
    ("identity", 2, None),
    ("namespace", 3, None),
    ("labels", 4, None),
    ("pod_name", 5, None),
    ("workloads", 6, None),
    ("cluster_name", 7, None),
]);
static DNS: Schema = plain(&[
    ("query", 1, None),
    ("ips", 2, None),
    ("ttl", 3, None),
    ("cnames", 4, None),
    ("observation_source", 5, None),
    ("rcode", 6, None),
    ("qtypes", 7, None),
    ("rrtypes", 8, None),
]);
static HTTP: Schema = plain(&[
    ("code", 1, None),
    ("method", 2, None),
    ("url", 3, None),
    ("protocol", 4, None),
    ("headers", 5, None),
]);
static KAFKA: Schema = plain(&[
    ("error_code", 1, None),
    ("api_version", 2, None),
    ("api_key", 3, None),
    ("correlation_id", 4, None),
    ("topic", 5, None),
]);
// `type` and `latency_ns` stand beside the oneof; they are scalars, for which it makes no
// difference.
static LAYER7: Schema = one_of(&[
    ("type", 1, None),
    ("latency_ns", 2, None),
    ("dns", 100, Some(&DNS)),
    ("http", 101, Some(&HTTP)),
    ("kafka", 102, Some(&KAFKA)),
]);
static EVENT_TYPE: Schema = plain(&[("type", 1, None), ("sub_type", 2, None)]);
static SERVICE: Schema = plain(&[("name", 1, None), ("namespace", 2, None)]);
static INTERFACE: Schema = plain(&[("index", 1, None), ("name", 2, None)]);
static TRACE_PARENT: Schema = plain(&[("trace_id", 1, None)]);
static TRACE_CONTEXT: Schema = plain(&[("parent", 1, Some(&TRACE_PARENT))]);
static FILE_INFO: Schema = plain(&[("name", 1, None), ("line", 2, None)]);
static TUNNEL: Schema = plain(&[
    ("protocol", 1, None),
    ("IP", 2, Some(&IP)),
    ("l4", 3, Some(&LAYER4)),
    ("vni", 4, None),
]);
static IP_TRACE_ID: Schema = plain(&[("trace_id", 1, None), ("ip_option_type", 2, None)]);
static EMITTER: Schema = plain(&[("name", 1, None), ("version", 2, None)]);
static AGGREGATE: Schema = plain(&[
    ("ingress_flow_count", 1, None),
    ("egress_flow_count", 2, None),
    ("unknown_direction_flow_count", 3, None),
]);
static ANY: Schema = plain(&[("type_url", 1, None), ("value", 2, None)]);
static FLOW: Schema = plain(&[
    ("time", 1, Some(&TIMESTAMP)),
    ("verdict", 2, None),
    ("drop_reason", 3, None),
    ("ethernet", 4, Some(&ETHERNET)),
    ("IP", 5, Some(&IP)),
    ("l4", 6, Some(&LAYER4)),
    ("source", 8, Some(&ENDPOINT)),
    ("destination", 9, Some(&ENDPOINT)),
    ("Type", 10, None),
    ("node_name", 11, None),
    ("source_names", 13, None),
    ("destination_names", 14, None),
    ("l7", 15, Some(&LAYER7)),
    ("reply", 16, None),
    ("event_type", 19, Some(&EVENT_TYPE)),
    ("source_service", 20, Some(&SERVICE)),
    ("destination_service", 21, Some(&SERVICE)),
    ("traffic_direction", 22, None),
    ("policy_match_type", 23, None),
    ("trace_observation_point", 24, None),
    ("drop_reason_desc", 25, None),
    ("is_reply", 26, Some(&BOOL_VALUE)),
    ("debug_capture_point", 27, None),
    ("interface", 28, Some(&INTERFACE)),
    ("proxy_port", 29, None),
    ("trace_context", 30, Some(&TRACE_CONTEXT)),
    ("sock_xlate_point", 31, None),
    ("socket_cookie", 32, None),
    ("cgroup_id", 33, None),
    ("uuid", 34, None),
    ("auth_type", 35, None),
    ("trace_reason", 36, None),
    ("node_labels", 37, None),
    ("file", 38, Some(&FILE_INFO)),
    ("tunnel", 39, Some(&TUNNEL)),
    ("ip_trace_id", 40, Some(&IP_TRACE_ID)),
    ("emitter", 41, Some(&EMITTER)),
    ("egress_allowed_by", 21_001, None),
    ("ingress_allowed_by", 21_002, None),
    ("egress_denied_by", 21_004, None),
    ("ingress_denied_by", 21_005, None),
    ("policy_log", 21_006, None),
    ("aggregate", 21_007, Some(&AGGREGATE)),
    ("Summary", 100_000, None),
    ("extensions", 150_000, Some(&ANY)),
]);

/// What to keep of a message.
#[derive(Debug, Default, PartialEq, Eq)]
struct Keep {
    /// Field number → what to keep of it. A mask that names the field itself keeps all of it.
    fields: BTreeMap<u32, Part>,
    one_of: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Keep),
}

/// The fields of a flow that a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldMask(Keep);

impl FieldMask {
    /// Reads a mask's paths. Errors: a path that names no field.
    pub(crate) fn new(paths: &[String]) -> Result<Self, InvalidFieldMask> {
        let mut keep = Keep::default();
        for path in paths {
            add(&mut keep, &FLOW, path).ok_or_else(|| InvalidFieldMask(path.clone()))?;
        }
        Ok(Self(keep))
    }

    /// The flow with the mask's fields alone.
    pub(crate) fn apply(&self, flow: &Flow) -> Flow {
        let bytes = flow.encode_to_vec();
        let mut kept = Vec::with_capacity(bytes.len());
        // The bytes are our own encoder's, so they always read back.
        copy(&self.0, &bytes, &mut kept);
        Flow::decode(kept.as_slice()).unwrap_or_default()
    }
}

fn add(keep: &mut Keep, schema: &'static Schema, path: &str) -> Option<()> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let &(_, number, inner) = schema.fields.iter().find(|(own, _, _)| *own == name)?;
    let Some(rest) = rest else {
        keep.fields.insert(number, Part::Whole);
        return Some(());
    };
    let inner = inner?;
    let part = keep
        .fields
        .entry(number)
        .or_insert_with(|| Part::Of(Keep { fields: BTreeMap::new(), one_of: inner.one_of }));
    match part {
        // Checked all the same: a wrong path is an error wherever it stands.
        Part::Whole => add(&mut Keep::default(), inner, rest),
        Part::Of(keep) => add(keep, inner, rest),
    }
}

/// Copies what is to be kept. `None` when the bytes are no message.
fn copy(keep: &Keep, mut bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut seen = Vec::new();
    while bytes.has_remaining() {
        let (number, wire_type) = decode_key(&mut bytes).ok()?;
        let length = match wire_type {
            WireType::Varint => {
                let value = decode_varint(&mut bytes).ok()?;
                if keep.fields.contains_key(&number) {
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
        match keep.fields.get(&number) {
            None => {}
            Some(Part::Whole) => {
                encode_key(number, wire_type, out);
                if wire_type == WireType::LengthDelimited {
                    encode_varint(value.len() as u64, out);
                }
                out.put_slice(value);
            }
            Some(Part::Of(inner)) => {
                let mut kept = Vec::new();
                copy(inner, value, &mut kept)?;
                put_message(number, &kept, out);
            }
        }
    }
    if !keep.one_of {
        // Hubble allocates the messages on the way to a field, whether the flow has them or not.
        for (&number, part) in &keep.fields {
            if let Part::Of(inner) = part
                && !seen.contains(&number)
            {
                let mut empty = Vec::new();
                copy(inner, &[], &mut empty)?;
                put_message(number, &empty, out);
            }
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
    use hubble_api::pb::flow::{Endpoint, Layer4, Tcp, TcpFlags, Udp, layer4};

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
    fn a_mask_keeps_what_it_names() {
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
        // Hubble's quirk: an endpoint on the way to a field is there even when it is empty.
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
    fn a_path_to_nowhere_is_refused() {
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
