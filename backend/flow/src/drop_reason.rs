//! Reasons to drop packets.

use std::fmt;

use crate::UnknownName;

/// Drop code of the datapath, in both spellings: the name in flow.proto's enum (`POLICY_DENIED`)
/// and the monitor's text (`Policy denied`). Codes below 130 do not mean a drop by themselves;
/// those and 206 have only a text. Numbers without a name here come from a newer Cilium and are
/// kept. Source: flow.proto `DropReason`, pkg/monitor/api/drop.go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DropReason(i32);

macro_rules! drop_reasons {
    ($($constant:ident = $number:literal, $name:expr, $text:literal;)*) => {
        impl DropReason {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $constant: Self = Self($number);
            )*

            /// Every code with a name or text here, sorted by number.
            pub const ALL: &[Self] = &[$(Self::$constant,)*];

            /// Name in flow.proto's enum; `None` for codes that have only a text, or neither.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => $name,)*
                    _ => None,
                }
            }

            /// Text of the monitor, as in metrics and `hubble observe`; `None` for an unknown
            /// number.
            #[must_use]
            pub const fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

drop_reasons! {
    UNKNOWN = 0, Some("DROP_REASON_UNKNOWN"), "Success";
    INVALID_PACKET = 2, None, "Invalid packet";
    INTERFACE = 3, None, "Interface";
    INTERFACE_DECRYPTED = 4, None, "Interface Decrypted";
    LB_SOCK_CGROUP_NO_BACKEND_SLOT_ENTRY_FOUND = 5, None, "LB, sock cgroup: No backend slot entry found";
    LB_SOCK_CGROUP_NO_BACKEND_ENTRY_FOUND = 6, None, "LB, sock cgroup: No backend entry found";
    LB_SOCK_CGROUP_REVERSE_ENTRY_UPDATE_FAILED = 7, None, "LB, sock cgroup: Reverse entry update failed";
    LB_SOCK_CGROUP_REVERSE_ENTRY_STALE = 8, None, "LB, sock cgroup: Reverse entry stale";
    FRAGMENTED_PACKET = 9, None, "Fragmented packet";
    FRAGMENTED_PACKET_ENTRY_UPDATE_FAILED = 10, None, "Fragmented packet entry update failed";
    MISSED_TAIL_CALL_TO_CUSTOM_PROGRAM = 11, None, "Missed tail call to custom program";
    INTERFACE_DECRYPTING = 12, None, "Interface Decrypting";
    INTERFACE_ENCRYPTING = 13, None, "Interface Encrypting";
    LB_SOCK_CGROUP_REVERSE_ENTRY_DELETE_SUCCEEDED = 14, None, "LB: sock cgroup: Reverse entry delete succeeded";
    MTU_ERROR_MESSAGE = 15, None, "MTU error message";
    INVALID_SOURCE_MAC = 130, Some("INVALID_SOURCE_MAC"), "Invalid source mac";
    INVALID_DESTINATION_MAC = 131, Some("INVALID_DESTINATION_MAC"), "Invalid destination mac";
    INVALID_SOURCE_IP = 132, Some("INVALID_SOURCE_IP"), "Invalid source ip";
    POLICY_DENIED = 133, Some("POLICY_DENIED"), "Policy denied";
    INVALID_PACKET_DROPPED = 134, Some("INVALID_PACKET_DROPPED"), "Invalid packet";
    CT_TRUNCATED_OR_INVALID_HEADER = 135, Some("CT_TRUNCATED_OR_INVALID_HEADER"), "CT: Truncated or invalid header";
    CT_MISSING_TCP_ACK_FLAG = 136, Some("CT_MISSING_TCP_ACK_FLAG"), "Fragmentation needed";
    CT_UNKNOWN_L4_PROTOCOL = 137, Some("CT_UNKNOWN_L4_PROTOCOL"), "CT: Unknown L4 protocol";
    CT_CANNOT_CREATE_ENTRY_FROM_PACKET = 138, Some("CT_CANNOT_CREATE_ENTRY_FROM_PACKET"), "CT: Can't create entry from packet";
    UNSUPPORTED_L3_PROTOCOL = 139, Some("UNSUPPORTED_L3_PROTOCOL"), "Unsupported L3 protocol";
    MISSED_TAIL_CALL = 140, Some("MISSED_TAIL_CALL"), "Missed tail call";
    ERROR_WRITING_TO_PACKET = 141, Some("ERROR_WRITING_TO_PACKET"), "Error writing to packet";
    UNKNOWN_L4_PROTOCOL = 142, Some("UNKNOWN_L4_PROTOCOL"), "Unknown L4 protocol";
    UNKNOWN_ICMPV4_CODE = 143, Some("UNKNOWN_ICMPV4_CODE"), "Unknown ICMPv4 code";
    UNKNOWN_ICMPV4_TYPE = 144, Some("UNKNOWN_ICMPV4_TYPE"), "Unknown ICMPv4 type";
    UNKNOWN_ICMPV6_CODE = 145, Some("UNKNOWN_ICMPV6_CODE"), "Unknown ICMPv6 code";
    UNKNOWN_ICMPV6_TYPE = 146, Some("UNKNOWN_ICMPV6_TYPE"), "Unknown ICMPv6 type";
    ERROR_RETRIEVING_TUNNEL_KEY = 147, Some("ERROR_RETRIEVING_TUNNEL_KEY"), "Error retrieving tunnel key";
    ERROR_RETRIEVING_TUNNEL_OPTIONS = 148, Some("ERROR_RETRIEVING_TUNNEL_OPTIONS"), "Error retrieving tunnel options";
    INVALID_GENEVE_OPTION = 149, Some("INVALID_GENEVE_OPTION"), "Invalid Geneve option";
    UNKNOWN_L3_TARGET_ADDRESS = 150, Some("UNKNOWN_L3_TARGET_ADDRESS"), "Unknown L3 target address";
    STALE_OR_UNROUTABLE_IP = 151, Some("STALE_OR_UNROUTABLE_IP"), "Stale or unroutable IP";
    NO_MATCHING_LOCAL_CONTAINER_FOUND = 152, Some("NO_MATCHING_LOCAL_CONTAINER_FOUND"), "No matching local container found";
    ERROR_WHILE_CORRECTING_L3_CHECKSUM = 153, Some("ERROR_WHILE_CORRECTING_L3_CHECKSUM"), "Error while correcting L3 checksum";
    ERROR_WHILE_CORRECTING_L4_CHECKSUM = 154, Some("ERROR_WHILE_CORRECTING_L4_CHECKSUM"), "Error while correcting L4 checksum";
    CT_MAP_INSERTION_FAILED = 155, Some("CT_MAP_INSERTION_FAILED"), "CT: Map insertion failed";
    INVALID_IPV6_EXTENSION_HEADER = 156, Some("INVALID_IPV6_EXTENSION_HEADER"), "Invalid IPv6 extension header";
    IP_FRAGMENTATION_NOT_SUPPORTED = 157, Some("IP_FRAGMENTATION_NOT_SUPPORTED"), "IP fragmentation not supported";
    SERVICE_BACKEND_NOT_FOUND = 158, Some("SERVICE_BACKEND_NOT_FOUND"), "Service backend not found";
    NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT = 160, Some("NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT"), "No tunnel/encapsulation endpoint (datapath BUG!)";
    FAILED_TO_INSERT_INTO_PROXYMAP = 161, Some("FAILED_TO_INSERT_INTO_PROXYMAP"), "NAT 46/64 not enabled";
    REACHED_EDT_RATE_LIMITING_DROP_HORIZON = 162, Some("REACHED_EDT_RATE_LIMITING_DROP_HORIZON"), "Reached EDT rate-limiting drop horizon";
    UNKNOWN_CONNECTION_TRACKING_STATE = 163, Some("UNKNOWN_CONNECTION_TRACKING_STATE"), "Unknown connection tracking state";
    LOCAL_HOST_IS_UNREACHABLE = 164, Some("LOCAL_HOST_IS_UNREACHABLE"), "Local host is unreachable";
    NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION = 165, Some("NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"), "No configuration available to perform policy decision";
    UNSUPPORTED_L2_PROTOCOL = 166, Some("UNSUPPORTED_L2_PROTOCOL"), "Unsupported L2 protocol";
    NO_MAPPING_FOR_NAT_MASQUERADE = 167, Some("NO_MAPPING_FOR_NAT_MASQUERADE"), "No mapping for NAT masquerade";
    UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE = 168, Some("UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE"), "Unsupported protocol for NAT masquerade";
    FIB_LOOKUP_FAILED = 169, Some("FIB_LOOKUP_FAILED"), "FIB lookup failed";
    ENCAPSULATION_TRAFFIC_IS_PROHIBITED = 170, Some("ENCAPSULATION_TRAFFIC_IS_PROHIBITED"), "Encapsulation traffic is prohibited";
    INVALID_IDENTITY = 171, Some("INVALID_IDENTITY"), "Invalid identity";
    UNKNOWN_SENDER = 172, Some("UNKNOWN_SENDER"), "Unknown sender";
    NAT_NOT_NEEDED = 173, Some("NAT_NOT_NEEDED"), "NAT not needed";
    IS_A_CLUSTERIP = 174, Some("IS_A_CLUSTERIP"), "Is a ClusterIP";
    FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND = 175, Some("FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND"), "First logical datagram fragment not found";
    FORBIDDEN_ICMPV6_MESSAGE = 176, Some("FORBIDDEN_ICMPV6_MESSAGE"), "Forbidden ICMPv6 message";
    DENIED_BY_LB_SRC_RANGE_CHECK = 177, Some("DENIED_BY_LB_SRC_RANGE_CHECK"), "Denied by LB src range check";
    SOCKET_LOOKUP_FAILED = 178, Some("SOCKET_LOOKUP_FAILED"), "Socket lookup failed";
    SOCKET_ASSIGN_FAILED = 179, Some("SOCKET_ASSIGN_FAILED"), "Socket assign failed";
    PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL = 180, Some("PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL"), "Proxy redirection not supported for protocol";
    POLICY_DENY = 181, Some("POLICY_DENY"), "Policy denied by denylist";
    VLAN_FILTERED = 182, Some("VLAN_FILTERED"), "VLAN traffic disallowed by VLAN filter";
    INVALID_VNI = 183, Some("INVALID_VNI"), "Incorrect VNI from VTEP";
    INVALID_TC_BUFFER = 184, Some("INVALID_TC_BUFFER"), "Failed to update or lookup TC buffer";
    NO_SID = 185, Some("NO_SID"), "No SID was found for the IP address";
    MISSING_SRV6_STATE = 186, Some("MISSING_SRV6_STATE"), "SRv6 state was removed during tail call";
    NAT46 = 187, Some("NAT46"), "L3 translation from IPv4 to IPv6 failed (NAT46)";
    NAT64 = 188, Some("NAT64"), "L3 translation from IPv6 to IPv4 failed (NAT64)";
    AUTH_REQUIRED = 189, Some("AUTH_REQUIRED"), "Authentication required";
    CT_NO_MAP_FOUND = 190, Some("CT_NO_MAP_FOUND"), "No conntrack map found";
    SNAT_NO_MAP_FOUND = 191, Some("SNAT_NO_MAP_FOUND"), "No nat map found";
    INVALID_CLUSTER_ID = 192, Some("INVALID_CLUSTER_ID"), "Invalid ClusterID";
    UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP = 193, Some("UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP"), "Unsupported packet protocol for DSR encapsulation";
    NO_EGRESS_GATEWAY = 194, Some("NO_EGRESS_GATEWAY"), "No egress gateway found";
    UNENCRYPTED_TRAFFIC = 195, Some("UNENCRYPTED_TRAFFIC"), "Traffic is unencrypted";
    TTL_EXCEEDED = 196, Some("TTL_EXCEEDED"), "TTL exceeded";
    NO_NODE_ID = 197, Some("NO_NODE_ID"), "No node ID found";
    DROP_RATE_LIMITED = 198, Some("DROP_RATE_LIMITED"), "Rate limited";
    IGMP_HANDLED = 199, Some("IGMP_HANDLED"), "IGMP handled";
    IGMP_SUBSCRIBED = 200, Some("IGMP_SUBSCRIBED"), "IGMP subscribed";
    MULTICAST_HANDLED = 201, Some("MULTICAST_HANDLED"), "Multicast handled";
    DROP_HOST_NOT_READY = 202, Some("DROP_HOST_NOT_READY"), "Host datapath not ready";
    DROP_EP_NOT_READY = 203, Some("DROP_EP_NOT_READY"), "Endpoint policy program not available";
    DROP_NO_EGRESS_IP = 204, Some("DROP_NO_EGRESS_IP"), "No Egress IP configured";
    DROP_PUNT_PROXY = 205, Some("DROP_PUNT_PROXY"), "Punt to proxy";
    NO_DEVICE = 206, None, "No device";
    DROP_FRAG_NOT_FOUND_WORLD = 207, Some("DROP_FRAG_NOT_FOUND_WORLD"), "First logical datagram fragment not found from world";
}

impl DropReason {
    /// Code with a number of the wire, with or without a name.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whether there is a reason: any number but 0.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for DropReason {
    /// Name in the enum, or else the monitor's text, or else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name().or(self.text()) {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

impl std::str::FromStr for DropReason {
    type Err = UnknownName;

    /// Reads a name or a text; case does not matter. `Invalid packet` is the text of both 2 and
    /// 134; it is read as 134, the drop.
    fn from_str(given: &str) -> Result<Self, UnknownName> {
        let named = |name: Option<&str>| name.is_some_and(|own| own.eq_ignore_ascii_case(given));
        let all = Self::ALL.iter().rev().copied();
        all.clone()
            .find(|reason| named(reason.name()))
            .or_else(|| all.clone().find(|reason| named(reason.text())))
            .ok_or_else(|| UnknownName { name: given.to_owned(), of: "drop reason" })
    }
}
