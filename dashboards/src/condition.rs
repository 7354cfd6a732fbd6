//! Conditions on flows, for the queries of panels and for links.

use serde_json::{Map, Value, json};

/// One condition of a flow filter: a flag of `hubble observe` by its name in the data source, and a
/// value, which may be one of Grafana's expressions (`${namespace}`). An expression that is empty
/// sets nothing. Several values of a variable are alternatives, and "All" is `.*`, which the data
/// source does not treat as a condition.
pub(crate) type FlowCondition = (&'static str, String);

/// A filter of flows: each flag with its values.
pub(crate) fn filter(conditions: &[FlowCondition]) -> Value {
    let mut filter = Map::new();
    for (flag, value) in conditions {
        let values = filter.entry(*flag).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(json!(value));
        }
    }
    Value::Object(filter)
}
