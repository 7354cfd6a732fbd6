//! Hubble's records against network policies.
//!
//! [`cilium_policy`] judges identities and ports. A record has endpoints, addresses and a verdict
//! of its own. This library connects the two: it finds the subject of policy in a record, reads the
//! proof in the record and compares it with the policies; it collects evidence for lints, makes the
//! smallest fix for denied flows, answers questions about connections that no flow shows yet, and
//! compares sets of policies.
//!
//! ```
//! use cilium_policy::{Settings, SourceText, Verdict};
//! use flow::{Endpoint, Flow, Layer4, Tcp, TrafficDirection};
//! use hubble_verdict::{Agreement, Review};
//!
//! let text = "\
//! apiVersion: cilium.io/v2
//! kind: CiliumNetworkPolicy
//! metadata: {name: db, namespace: shop}
//! spec:
//!   endpointSelector: {matchLabels: {app: db}}
//!   ingress:
//!   - fromEndpoints: [{matchLabels: {app: cart}}]
//!     toPorts: [{ports: [{port: '5432', protocol: TCP}]}]
//! ";
//! let pod = |app: &str| Endpoint {
//!     namespace: "shop".to_owned(),
//!     labels: vec![
//!         format!("k8s:app={app}"),
//!         "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
//!         "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
//!     ],
//!     ..Endpoint::default()
//! };
//! let dropped = Flow {
//!     traffic_direction: TrafficDirection::Ingress,
//!     is_reply: Some(false),
//!     verdict: flow::Verdict::Dropped,
//!     l4: Some(Layer4::Tcp(Tcp { destination_port: 80, ..Tcp::default() })),
//!     source: Some(pod("cart")),
//!     destination: Some(pod("db")),
//!     ..Flow::default()
//! };
//! let texts = [SourceText { index: 0, text }];
//! let review = Review::of(&texts, Settings::default(), std::slice::from_ref(&dropped));
//!
//! let judgement = review.explain(&dropped)?;
//! assert_eq!(judgement.verdict, Verdict::Denied);
//! assert_eq!(
//!     judgement.sentence(review.set()),
//!     "denied on ingress by default, which `CiliumNetworkPolicy/shop/db` turned on; nearest rule: \
//!      ingress[0] (line 8): peer matches, port 5432/TCP does not: the flow goes to 80/TCP"
//! );
//! // The flow's event does not give the drop reason.
//! assert_eq!(judgement.agreement, Agreement::CannotTell);
//! # Ok::<(), hubble_verdict::Unjudged>(())
//! ```

mod ask;
mod lint;
mod log_resource;
mod lookup;
mod recorded;
mod review;
mod suggest;
mod unplaced;
mod what_if;

pub use ask::{
    Answer, AnswerPath, AnswerStep, AskError, Directory, Question, StepKind, Target, TargetError,
    ask,
};
pub use lint::{lint, registry as lints};
pub use log_resource::is_logged;
pub use recorded::{
    Agreement, Exchange, JudgeFlows, Judgement, Learned, Observed, PolicyLabel, Prepared, Proof,
    RecordedConnection, Summary, Unjudged, settings_from, settings_from_counted, unix_time,
};
pub use review::Review;
pub use suggest::{Edit, Suggestion, Unfixed, UnfixedReason, suggest};
pub use unplaced::Unplaced;
pub use what_if::{endpoint_names, named_connection, what_if};
