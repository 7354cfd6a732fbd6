//! The flags of `hubble observe` that are not filters.
//!
//! Source: `hubble/cmd/observe/observe_help.txt`.

use wording::names;

use crate::flag::Flag;

/// Purpose of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Filter(Flag),
    /// A filter with a fixed value: the opposite or the short form of another filter.
    Fixed(Flag, &'static str),
    Not,
    Since,
    Until,
    Last,
    First,
    All,
    Follow,
    Allowlist,
    Denylist,
    /// Format of the command's output.
    Format,
    /// Connection to the server; the data source has its own settings for it.
    Connection,
    /// A secret of the connection.
    Secret,
    /// Another source of flows.
    InputFile,
    /// No meaning here.
    Other,
}

/// A flag of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineOption {
    pub(super) name: &'static str,
    pub(super) purpose: Purpose,
    /// Whether the flag takes a value.
    pub(super) takes_value: bool,
}

/// Name, short name, purpose, and whether a value follows.
const OPTIONS: [(&str, &str, Purpose, bool); 47] = [
    ("not", "", Purpose::Not, false),
    ("ipv4", "4", Purpose::Fixed(Flag::IpVersion, "v4"), false),
    ("ipv6", "6", Purpose::Fixed(Flag::IpVersion, "v6"), false),
    ("not-reply", "", Purpose::Fixed(Flag::Reply, "false"), false),
    ("unencrypted", "", Purpose::Fixed(Flag::Encrypted, "false"), false),
    ("since", "", Purpose::Since, true),
    ("until", "", Purpose::Until, true),
    ("last", "", Purpose::Last, true),
    ("first", "", Purpose::First, true),
    ("all", "", Purpose::All, false),
    ("follow", "f", Purpose::Follow, false),
    ("allowlist", "", Purpose::Allowlist, true),
    ("denylist", "", Purpose::Denylist, true),
    ("output", "o", Purpose::Format, true),
    ("time-format", "", Purpose::Format, true),
    ("color", "", Purpose::Format, true),
    ("print-node-name", "", Purpose::Format, false),
    ("print-policy-names", "", Purpose::Format, false),
    ("ip-translation", "", Purpose::Format, false),
    ("numeric", "", Purpose::Format, false),
    ("field-mask", "", Purpose::Format, true),
    ("use-default-field-masks", "", Purpose::Format, false),
    ("experimental-field-mask", "", Purpose::Format, true),
    ("experimental-use-default-field-masks", "", Purpose::Format, false),
    ("server", "", Purpose::Connection, true),
    ("timeout", "", Purpose::Connection, true),
    ("request-timeout", "", Purpose::Connection, true),
    ("basic-auth-username", "", Purpose::Connection, true),
    ("basic-auth-password", "", Purpose::Secret, true),
    ("kube-context", "", Purpose::Connection, true),
    ("kube-namespace", "", Purpose::Connection, true),
    ("kubeconfig", "", Purpose::Connection, true),
    ("port-forward", "P", Purpose::Connection, false),
    ("port-forward-port", "", Purpose::Connection, true),
    ("auto-port-forward", "", Purpose::Connection, false),
    ("tls", "", Purpose::Connection, false),
    ("tls-allow-insecure", "", Purpose::Connection, false),
    ("tls-ca-cert-files", "", Purpose::Connection, true),
    ("tls-client-cert-file", "", Purpose::Connection, true),
    ("tls-client-key-file", "", Purpose::Connection, true),
    ("tls-server-name", "", Purpose::Connection, true),
    ("config", "", Purpose::Connection, true),
    ("input-file", "", Purpose::InputFile, true),
    ("print-raw-filters", "", Purpose::Other, false),
    ("silent-errors", "s", Purpose::Other, false),
    ("debug", "D", Purpose::Other, false),
    ("help", "h", Purpose::Other, false),
];

/// Short names of filters.
const SHORT_FILTERS: [(&str, Flag); 4] =
    [("A", Flag::AllNamespaces), ("l", Flag::Label), ("n", Flag::Namespace), ("t", Flag::Type)];

impl LineOption {
    /// The flag `--name`.
    pub(super) fn long(name: &str) -> Option<Self> {
        if let Some(flag) = Flag::from_name(name) {
            return Some(Self::filter(flag));
        }
        let found = OPTIONS.iter().find(|(own, ..)| *own == name && !name.is_empty())?;
        Some(Self { name: found.0, purpose: found.2, takes_value: found.3 })
    }

    /// The flag `-name`.
    pub(super) fn short(name: &str) -> Option<Self> {
        if let Some((_, flag)) = SHORT_FILTERS.iter().find(|(own, _)| *own == name) {
            return Some(Self::filter(*flag));
        }
        let found = OPTIONS.iter().find(|(_, own, ..)| *own == name && !name.is_empty())?;
        Some(Self { name: found.0, purpose: found.2, takes_value: found.3 })
    }

    /// The flag in a word that holds no value.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let name = word.trim_start_matches(super::DASHES);
        match word.len() - name.len() {
            0 => None,
            _ if name.chars().count() == 1 => Self::short(name),
            _ => Self::long(name),
        }
    }

    fn filter(flag: Flag) -> Self {
        let purpose =
            if flag.is_switch() { Purpose::Fixed(flag, "true") } else { Purpose::Filter(flag) };
        Self { name: flag.name(), purpose, takes_value: !flag.is_switch() }
    }

    /// The name that `name` most likely stands for.
    pub(super) fn nearest(name: &str) -> Option<&'static str> {
        let names = Flag::ALL.iter().map(|flag| flag.name());
        names::suggested(name, names.chain(OPTIONS.iter().map(|(own, ..)| *own)))
    }
}
