//! Arbitrary messages for property tests, derived from the schema, so that they include the fields
//! of a later Cilium.

use std::collections::BTreeMap;

use flow::{Flow, Timestamp};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::pb;
use crate::schema::{Cardinality, Descriptor, FLOW_FLOW, FLOW_FLOWFILTER, Field, FieldType};

/// Arbitrary flow with every field.
pub(crate) fn flow() -> impl Strategy<Value = Flow> {
    message(&FLOW_FLOW).prop_map(|bytes| {
        Flow::try_from(pb::flow::Flow::decode(bytes.as_slice()).unwrap()).unwrap()
    })
}

/// Arbitrary filter with every field.
pub(crate) fn filter() -> impl Strategy<Value = pb::flow::FlowFilter> {
    message(&FLOW_FLOWFILTER)
        .prop_map(|bytes| pb::flow::FlowFilter::decode(bytes.as_slice()).unwrap())
}

/// Largest valid value of a number field, if it is below the limit of its type.
pub(crate) fn bound(message: &Descriptor, field: &Field) -> u32 {
    match (message.name, field.name) {
        ("flow.TCP" | "flow.UDP" | "flow.SCTP", "source_port" | "destination_port") => {
            u16::MAX.into()
        }
        ("flow.ICMPv4" | "flow.ICMPv6", _) => u8::MAX.into(),
        _ => u32::MAX,
    }
}

/// Wire bytes of a message: each field, and at most one of each `oneof`.
fn message(of_type: &'static Descriptor) -> BoxedStrategy<Vec<u8>> {
    let mut parts = Vec::new();
    let mut choices: BTreeMap<u32, Vec<BoxedStrategy<Vec<u8>>>> = BTreeMap::new();
    for field in of_type.fields {
        let one = one(of_type, field);
        match field.cardinality {
            Cardinality::One => parts.push(of(one).prop_map(Option::unwrap_or_default).boxed()),
            Cardinality::Many => parts.push(vec(one, 0..3).prop_map(|all| all.concat()).boxed()),
            Cardinality::OneOf(choice) => choices.entry(choice).or_default().push(one),
        }
    }
    parts.extend(
        choices
            .into_values()
            .map(|choice| of(Union::new(choice)).prop_map(Option::unwrap_or_default).boxed()),
    );
    parts.prop_map(|parts| parts.concat()).boxed()
}

/// One value of a field, with its key.
fn one(of_type: &'static Descriptor, field: &'static Field) -> BoxedStrategy<Vec<u8>> {
    let bytes = move |value: Vec<u8>| delimited(field.number, &value);
    let number = move |value: u64| varint(field.number, value);
    let signed = move |value: i32| varint(field.number, i64::from(value).cast_unsigned());
    match field.kind {
        FieldType::Bool => any::<bool>().prop_map(u64::from).prop_map(number).boxed(),
        FieldType::Int32 => prop_oneof![3 => 0..=130, 1 => any::<i32>()].prop_map(signed).boxed(),
        FieldType::Uint32 => {
            (0..=bound(of_type, field)).prop_map(u64::from).prop_map(number).boxed()
        }
        FieldType::Int64 | FieldType::Uint64 => any::<u64>().prop_map(number).boxed(),
        FieldType::String => text().prop_map(String::into_bytes).prop_map(bytes).boxed(),
        FieldType::Enum(values) => {
            let named = select(values.values).prop_map(|(number, _)| number);
            prop_oneof![3 => named, 1 => any::<i32>()].prop_map(signed).boxed()
        }
        FieldType::Message(inner) => message(inner).prop_map(bytes).boxed(),
        FieldType::Timestamp => {
            timestamp().prop_map(|time| time.encode_to_vec()).prop_map(bytes).boxed()
        }
        FieldType::BoolValue => {
            any::<bool>().prop_map(|it| it.encode_to_vec()).prop_map(bytes).boxed()
        }
        FieldType::Int32Value => {
            any::<i32>().prop_map(|it| it.encode_to_vec()).prop_map(bytes).boxed()
        }
        FieldType::Uint32Value => {
            any::<u32>().prop_map(|it| it.encode_to_vec()).prop_map(bytes).boxed()
        }
        FieldType::Any => vec(any::<u8>(), 0..9)
            .prop_map(|value| {
                // A type of `proto/` would need valid wire bytes.
                let type_url = "type.googleapis.com/example.Extra".to_owned();
                prost_types::Any { type_url, value }.encode_to_vec()
            })
            .prop_map(bytes)
            .boxed(),
    }
}

/// Names, including empty and hostile ones.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z0-9./:-]{1,12}",
        "\\PC{0,8}",
        Just("\u{0}\u{1f}\u{7f}\"\\</script>\u{2028}\u{10ffff}".to_owned()),
    ]
}

fn timestamp() -> impl Strategy<Value = prost_types::Timestamp> {
    let nanos = prop_oneof![
        Just(0),
        (0..1000).prop_map(|n| n * 1_000_000),
        (0..1_000_000).prop_map(|n| n * 1000),
        0..1_000_000_000,
    ];
    (Timestamp::MIN_SECONDS..=Timestamp::MAX_SECONDS, nanos)
        .prop_filter("in range", |(seconds, nanos)| Timestamp::new(*seconds, *nanos).is_ok())
        .prop_map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos })
}

/// Wire bytes of a number field.
pub(crate) fn varint(field: u32, value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(field, WireType::Varint, &mut bytes);
    encode_varint(value, &mut bytes);
    bytes
}

/// Wire bytes of a text or message field.
pub(crate) fn delimited(field: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut bytes);
    encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}
