//! Messages with a JSON form.

use crate::pb;
use crate::schema::{self, Descriptor};

mod sealed {
    pub trait Sealed {}
}

/// Message that can be read from JSON and written as JSON.
pub trait JsonMessage: prost::Message + Default + sealed::Sealed {
    /// Table of its fields.
    fn descriptor() -> &'static Descriptor;
}

macro_rules! json_messages {
    ($($message:path = $descriptor:ident;)*) => {$(
        impl sealed::Sealed for $message {}

        impl JsonMessage for $message {
            fn descriptor() -> &'static Descriptor {
                &schema::$descriptor
            }
        }
    )*};
}

json_messages! {
    pb::flow::Flow = FLOW_FLOW;
    pb::flow::FlowFilter = FLOW_FLOWFILTER;
    pb::observer::ExportEvent = OBSERVER_EXPORTEVENT;
    pb::observer::GetFlowsResponse = OBSERVER_GETFLOWSRESPONSE;
}
