//! Grafana's plugin protocol: hashicorp/go-plugin's handshake, sockets and end of life, and the
//! gRPC services and messages of Grafana's `pluginv2` above them. A plugin implements [`Backend`]
//! and calls [`run`]; a host (the preview, the tests) starts the program, reads its line with
//! [`handshake::parse`] and calls it through [`client`]. This is the one crate that knows
//! grafana-plugin-sdk, of which it takes the messages that have not changed since: the SDK's own
//! server adds 44 ms to each small query, caps requests at 4 MiB, refuses users without a role and
//! ignores `Shutdown`.

pub mod client;
mod goplugin;
pub mod handshake;
mod lifetime;
mod listener;
mod log;
mod message;
mod rpc;
mod server;
mod services;

pub use self::message::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse, DataQuery,
    DataResponse, DataSourceInstanceSettings, HealthStatus, PluginContext, PublishStatus,
    PublishStreamRequest, PublishStreamResponse, QueryDataRequest, QueryDataResponse,
    RunStreamRequest, StreamPacket, StringList, SubscribeStatus, SubscribeStreamRequest,
    SubscribeStreamResponse, TimeRange, User,
};
pub use self::server::{Program, run};
pub use self::services::{Answers, Backend};
// What the methods of [`Backend`] refuse a call with, and the attribute that they need.
pub use tonic::{Code, Status, Streaming, async_trait, transport::Channel};
