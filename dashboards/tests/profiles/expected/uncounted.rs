//! Panels without a number that was counted, and why.

/// Only Retina on Windows exports it.
const WINDOWS: &str = "no fixture of Windows' series: Retina on Linux is what is counted";

/// HTTP is read where a policy of the client has rules.
const CLIENTS_ALONE: &str = "the acts' HTTP rules stand at clients: no server's node has records";

/// Echo of the acts.
const PINGS: &str = "nodes ping pods in the acts, and no pod pings or answers on a way out";

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
    ("pod-flows-namespace", "ICMP Echo, Asked and Answered", PINGS),
    ("pod-flows-workload", "ICMP Echo, Asked and Answered", PINGS),
];
