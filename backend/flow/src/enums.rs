//! Enumerations of the wire: a fixed set of names, and room for the numbers of a newer Cilium.

/// Name that an enumeration does not contain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a {of}")]
pub struct UnknownName {
    /// Text that was not recognised.
    pub name: String,
    /// Expected value in words: `verdict`.
    pub of: &'static str,
}

/// Declares an enumeration with its wire numbers and names.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        $name:ident, $of:literal {
            $(#[$zero_meta:meta])*
            $zero:ident = 0, $zero_text:literal;
            $($(#[$variant_meta:meta])* $variant:ident = $number:literal, $text:literal;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[$zero_meta])*
            #[default]
            $zero,
            $($(#[$variant_meta])* $variant,)*
            /// Number without a name here, from a newer Cilium. Only `from_number` creates it, and
            /// never for a number with a name.
            Unrecognized(i32),
        }

        impl $name {
            /// All values with names, sorted by number.
            pub const ALL: &[Self] = &[Self::$zero, $(Self::$variant,)*];

            /// Value with a number of the wire.
            #[must_use]
            pub const fn from_number(number: i32) -> Self {
                match number {
                    0 => Self::$zero,
                    $($number => Self::$variant,)*
                    other => Self::Unrecognized(other),
                }
            }

            /// Number on the wire.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self {
                    Self::$zero => 0,
                    $(Self::$variant => $number,)*
                    Self::Unrecognized(number) => number,
                }
            }

            /// Hubble's name, as in `flow.proto`; `None` if the number has no name here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    Self::$zero => Some($zero_text),
                    $(Self::$variant => Some($text),)*
                    Self::Unrecognized(_) => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => std::fmt::Display::fmt(&self.number(), f),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            /// Reads Hubble's name; case does not matter.
            fn from_str(name: &str) -> Result<Self, $crate::UnknownName> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.name().is_some_and(|own| own.eq_ignore_ascii_case(name)))
                    .ok_or_else(|| $crate::UnknownName { name: name.to_owned(), of: $of })
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum! {
    /// Fate of a packet or message. Source: flow.proto `Flow.verdict`.
    Verdict, "verdict" {
        /// No verdict.
        Unknown = 0, "VERDICT_UNKNOWN";
        /// Forwarded on its way.
        Forwarded = 1, "FORWARDED";
        /// Dropped; the drop reason says why.
        Dropped = 2, "DROPPED";
        /// Processing failed.
        Error = 3, "ERROR";
        /// Forwarded, but policy would drop it outside of audit mode.
        Audit = 4, "AUDIT";
        /// Handed to the L7 proxy.
        Redirected = 5, "REDIRECTED";
        /// Seen at an observation point that decides nothing.
        Traced = 6, "TRACED";
        /// Address translated.
        Translated = 7, "TRANSLATED";
    }
}

wire_enum! {
    /// Layer of an observation. Source: flow.proto `Flow.Type`.
    FlowType, "flow type" {
        /// Not known.
        Unknown = 0, "UNKNOWN_TYPE";
        /// A packet.
        L3L4 = 1, "L3_L4";
        /// A message that the L7 proxy saw.
        L7 = 2, "L7";
        /// A socket call.
        Sock = 3, "SOCK";
    }
}

wire_enum! {
    /// Mutual authentication that a policy requires. Source: flow.proto `Flow.auth_type`.
    AuthType, "authentication type" {
        /// No authentication.
        Disabled = 0, "DISABLED";
        /// By SPIFFE identities.
        Spire = 1, "SPIRE";
        /// Always refused, for tests.
        TestAlwaysFail = 2, "TEST_ALWAYS_FAIL";
    }
}

wire_enum! {
    /// Place in a node where a packet was traced. Source: flow.proto
    /// `Flow.trace_observation_point`.
    TraceObservationPoint, "trace observation point" {
        /// Not a trace event.
        Unknown = 0, "UNKNOWN_POINT";
        /// To the L7 proxy.
        ToProxy = 1, "TO_PROXY";
        /// To the host's network namespace.
        ToHost = 2, "TO_HOST";
        /// To the host's network stack.
        ToStack = 3, "TO_STACK";
        /// To the tunnel device.
        ToOverlay = 4, "TO_OVERLAY";
        /// From a container.
        FromEndpoint = 5, "FROM_ENDPOINT";
        /// From the L7 proxy.
        FromProxy = 6, "FROM_PROXY";
        /// From the host's network namespace.
        FromHost = 7, "FROM_HOST";
        /// From the host's network stack.
        FromStack = 8, "FROM_STACK";
        /// From the tunnel device.
        FromOverlay = 9, "FROM_OVERLAY";
        /// From a native device.
        FromNetwork = 10, "FROM_NETWORK";
        /// To a native device.
        ToNetwork = 11, "TO_NETWORK";
        /// After decryption.
        FromCrypto = 12, "FROM_CRYPTO";
        /// Before encryption.
        ToCrypto = 13, "TO_CRYPTO";
        /// To a container.
        ToEndpoint = 101, "TO_ENDPOINT";
    }
}

wire_enum! {
    /// State of connection tracking. Source: flow.proto `Flow.trace_reason`.
    TraceReason, "trace reason" {
        /// Not looked up.
        Unknown = 0, "TRACE_REASON_UNKNOWN";
        /// First packet of a connection.
        New = 1, "NEW";
        /// Later packet in the connection's direction.
        Established = 2, "ESTABLISHED";
        /// Packet against the connection's direction.
        Reply = 3, "REPLY";
        /// Packet that belongs to another connection (ICMP errors).
        Related = 4, "RELATED";
        /// First packet of a connection that was closed before; no longer sent.
        Reopened = 5, "REOPENED";
        /// Encapsulated in `SRv6`.
        Srv6Encap = 6, "SRV6_ENCAP";
        /// Taken out of `SRv6`.
        Srv6Decap = 7, "SRV6_DECAP";
        /// Encryption of overlay traffic; no longer sent.
        EncryptOverlay = 8, "ENCRYPT_OVERLAY";
    }
}

wire_enum! {
    /// Role of an L7 message. Source: flow.proto `Layer7.type`.
    L7FlowType, "L7 flow type" {
        /// Not known.
        Unknown = 0, "UNKNOWN_L7_TYPE";
        /// From client to server.
        Request = 1, "REQUEST";
        /// From server to client.
        Response = 2, "RESPONSE";
        /// Sample.
        Sample = 3, "SAMPLE";
    }
}

wire_enum! {
    /// Version of the IP header. Source: flow.proto `IP.ipVersion`.
    IpVersion, "IP version" {
        /// Not an IP packet.
        NotUsed = 0, "IP_NOT_USED";
        /// Version 4.
        V4 = 1, "IPv4";
        /// Version 6.
        V6 = 2, "IPv6";
    }
}

wire_enum! {
    /// Direction seen from the endpoint of the observation. Source: flow.proto
    /// `Flow.traffic_direction`.
    TrafficDirection, "traffic direction" {
        /// Not known.
        Unknown = 0, "TRAFFIC_DIRECTION_UNKNOWN";
        /// To the endpoint.
        Ingress = 1, "INGRESS";
        /// From the endpoint.
        Egress = 2, "EGRESS";
    }
}

wire_enum! {
    /// Place of a debug capture. Source: flow.proto `Flow.debug_capture_point`.
    DebugCapturePoint, "debug capture point" {
        /// Not a debug capture.
        Unknown = 0, "DBG_CAPTURE_POINT_UNKNOWN";
        /// At delivery to an endpoint.
        Delivery = 4, "DBG_CAPTURE_DELIVERY";
        /// Out of the load balancer.
        FromLb = 5, "DBG_CAPTURE_FROM_LB";
        /// After translation from IPv4 to IPv6.
        AfterV46 = 6, "DBG_CAPTURE_AFTER_V46";
        /// After translation from IPv6 to IPv4.
        AfterV64 = 7, "DBG_CAPTURE_AFTER_V64";
        /// Before the L7 proxy.
        ProxyPre = 8, "DBG_CAPTURE_PROXY_PRE";
        /// After the L7 proxy.
        ProxyPost = 9, "DBG_CAPTURE_PROXY_POST";
        /// Before source NAT.
        SnatPre = 10, "DBG_CAPTURE_SNAT_PRE";
        /// After source NAT.
        SnatPost = 11, "DBG_CAPTURE_SNAT_POST";
    }
}

wire_enum! {
    /// Point in the translation of a socket call at which it was traced. Source: flow.proto
    /// `Flow.sock_xlate_point`.
    SocketTranslationPoint, "socket translation point" {
        /// Not a socket trace.
        Unknown = 0, "SOCK_XLATE_POINT_UNKNOWN";
        /// Towards the Service, before translation.
        PreDirectionFwd = 1, "SOCK_XLATE_POINT_PRE_DIRECTION_FWD";
        /// Towards the Service, after translation.
        PostDirectionFwd = 2, "SOCK_XLATE_POINT_POST_DIRECTION_FWD";
        /// Back from the Service, before translation.
        PreDirectionRev = 3, "SOCK_XLATE_POINT_PRE_DIRECTION_REV";
        /// Back from the Service, after translation.
        PostDirectionRev = 4, "SOCK_XLATE_POINT_POST_DIRECTION_REV";
    }
}

wire_enum! {
    /// First chunk of an SCTP packet. Source: flow.proto `SCTP.chunk_type`.
    SctpChunkType, "SCTP chunk type" {
        /// Chunk type not listed here.
        Unsupported = 0, "UNSUPPORTED";
        /// Opens an association.
        Init = 1, "INIT";
        /// Answers `INIT`.
        InitAck = 2, "INIT_ACK";
        /// Asks to close.
        Shutdown = 3, "SHUTDOWN";
        /// Answers `SHUTDOWN`.
        ShutdownAck = 4, "SHUTDOWN_ACK";
        /// Completes the shutdown.
        ShutdownComplete = 5, "SHUTDOWN_COMPLETE";
        /// Aborts the association.
        Abort = 6, "ABORT";
    }
}

wire_enum! {
    /// Kind of encapsulation. Source: flow.proto `Tunnel.protocol`.
    TunnelProtocol, "tunnel protocol" {
        /// Not known.
        Unknown = 0, "UNKNOWN";
        /// RFC 7348.
        Vxlan = 1, "VXLAN";
        /// RFC 8926.
        Geneve = 2, "GENEVE";
    }
}
