//! Options of `petshop` that `cargo xtask demo` takes and passes on.

use clap::ValueEnum;

/// Act of the lab; the names are `petshop::Scenario`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// No policies: everything passes
    Open,
    /// Zero trust per service: some names no longer resolve
    Policies,
    /// order-service may reach graph.microsoft.com
    Fqdn,
    /// No client may reach store-front
    Chaos,
    /// FQDN, DNS and HTTP rules for store-front
    Combined,
    /// All of the lab's files, applied one after the other
    Lab,
}

/// Exporter of the metrics; the names are `petshop::Profile`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Azure's Advanced Container Networking Services: pods as contexts
    Acns,
    /// The example of Cilium's documentation: no contexts except for HTTP
    Cilium,
    /// Everything that can be enabled in Hubble
    All,
    /// Retina's metrics instead of Hubble's
    Retina,
}

/// Name of a value on the command line.
pub(crate) fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
fn names<T: ValueEnum>() -> Vec<String> {
    T::value_variants().iter().map(name).collect()
}

#[test]
fn petshop_has_the_same_values() {
    assert_eq!(names::<Scenario>(), petshop::Scenario::ALL.map(petshop::Scenario::name));
    assert_eq!(names::<Profile>(), petshop::Profile::ALL.map(petshop::Profile::name));
}
