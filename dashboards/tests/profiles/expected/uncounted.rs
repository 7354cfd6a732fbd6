//! Panels without a counted number, and the reason.

/// Only Retina on Windows exports it.
const WINDOWS: &str = "there is no fixture of Windows' series: only Retina on Linux is counted";

/// HTTP is read only where a policy of the client has rules.
const CLIENTS_ALONE: &str =
    "the acts have HTTP rules only at clients, so a server's node has no records";

/// Pings of the acts.
const PINGS: &str = "nodes ping pods in the acts; no pod pings or answers on its way out";

/// Board, title and reason.
pub(crate) const UNCOUNTED: [(&str, &str, &str); 12] = [
    ("clusters", "TCP Connection Resets", WINDOWS),
    ("clusters", "Windows TCP Packets", WINDOWS),
    ("clusters", "Windows TCP RST Packets", WINDOWS),
    ("clusters", "Windows TCP SYN-ACK Packets", WINDOWS),
    ("l7-namespace", "Incoming Dropped HTTP Requests, Top Destination Pods", CLIENTS_ALONE),
    ("l7-namespace", "Incoming Dropped Requests", CLIENTS_ALONE),
    ("l7-namespace", "Incoming HTTP Flows by Verdict", CLIENTS_ALONE),
    ("l7-workload", "Incoming Dropped HTTP Requests, Top Destination Pods", CLIENTS_ALONE),
    ("l7-workload", "Incoming Dropped Requests", CLIENTS_ALONE),
    ("l7-workload", "Incoming HTTP Flows by Verdict", CLIENTS_ALONE),
    ("pod-flows-namespace", "ICMP Echo Requests and Replies", PINGS),
    ("pod-flows-workload", "ICMP Echo Requests and Replies", PINGS),
];
