//! Filters.

use flow::MessageType;
use flow::filter::{EventTypeFilter, FlowFilter};

use super::value::Value;
use crate::pb::flow as pb;
use crate::pb::flow::flow_filter::Experimental;

impl From<pb::EventTypeFilter> for EventTypeFilter {
    fn from(wire: pb::EventTypeFilter) -> Self {
        let pb::EventTypeFilter { r#type, match_sub_type, sub_type } = wire;
        Self { message_type: MessageType::from_number(r#type), match_sub_type, sub_type }
    }
}

impl From<EventTypeFilter> for pb::EventTypeFilter {
    fn from(own: EventTypeFilter) -> Self {
        let EventTypeFilter { message_type, match_sub_type, sub_type } = own;
        Self { r#type: message_type.number(), match_sub_type, sub_type }
    }
}

/// Conversions of filters in both directions.
macro_rules! conversions {
    ($($field:ident)*) => {
        impl From<pb::FlowFilter> for FlowFilter {
            fn from(wire: pb::FlowFilter) -> Self {
                let pb::FlowFilter { $($field,)* experimental } = wire;
                let cel_expression = experimental
                    .map(|Experimental { cel_expression }| cel_expression)
                    .unwrap_or_default();
                Self { $($field: Value::read($field),)* cel_expression }
            }
        }

        impl From<FlowFilter> for pb::FlowFilter {
            fn from(own: FlowFilter) -> Self {
                let FlowFilter { $($field,)* cel_expression } = own;
                let experimental =
                    (!cel_expression.is_empty()).then_some(Experimental { cel_expression });
                Self { $($field: Value::write($field),)* experimental }
            }
        }
    };
}

flow::with_filter_fields!(conversions);

impl From<&FlowFilter> for pb::FlowFilter {
    fn from(own: &FlowFilter) -> Self {
        own.clone().into()
    }
}
