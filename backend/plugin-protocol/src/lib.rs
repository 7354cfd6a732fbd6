//! Grafana's plugin protocol: hashicorp/go-plugin's handshake, sockets and shutdown, with the gRPC
//! services and messages of Grafana's `pluginv2` on top.
//!
//! A plugin implements [`Backend`] and calls [`run`]. A host (the preview, the tests) starts the
//! program, reads its line with [`handshake::parse`] and calls it through [`client`].
//!
//! This is the only crate that uses grafana-plugin-sdk, and only for messages that are still
//! current. The SDK's own server adds 44 ms to each small query, caps requests at 4 MiB, refuses
//! users without a role and ignores `Shutdown`.

mod call;
pub mod client;
mod goplugin;
pub mod handshake;
mod lifetime;
mod listener;
mod log;
mod message;
mod program;
mod rpc;
mod server;
mod services;
mod trace;

pub use self::message::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse, DataQuery,
    DataResponse, DataSourceInstanceSettings, HealthStatus, PluginContext, PublishStatus,
    PublishStreamRequest, PublishStreamResponse, QueryDataRequest, QueryDataResponse,
    RunStreamRequest, StreamPacket, StringList, SubscribeStatus, SubscribeStreamRequest,
    SubscribeStreamResponse, TimeRange, User,
};
pub use self::program::Program;
pub use self::server::run;
pub use self::services::{Answers, Backend};
// The status with which methods of [`Backend`] refuse a call, and the attribute for its `async
// fn`s.
pub use tonic::{Code, Status, Streaming, async_trait, transport::Channel};
