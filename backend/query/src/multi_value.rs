//! Values of multi-value variables, as Grafana writes them into a link: `{a,b}` for several, and
//! for "All" the regular expression that PromQL takes. Neither is a valid name in Kubernetes.

use wording::quote;

use crate::flag::{Flag, FlagValues, InvalidFlag, MAX_VALUES};

/// Values that dashboards use for "All".
pub(crate) const ALL: [&str; 3] = [".*", ".+", "$__all"];

/// Flags whose values are names: these never contain braces and are never a lone asterisk.
pub(crate) const NAMES: [Flag; 17] = [
    Flag::Namespace,
    Flag::FromNamespace,
    Flag::ToNamespace,
    Flag::Pod,
    Flag::FromPod,
    Flag::ToPod,
    Flag::Workload,
    Flag::FromWorkload,
    Flag::ToWorkload,
    Flag::Cluster,
    Flag::NodeName,
    Flag::Verdict,
    Flag::TrafficDirection,
    Flag::Protocol,
    Flag::Type,
    Flag::DropReasonDesc,
    Flag::HttpStatus,
];

/// Pairs of a flag whose values may begin with a namespace, and the flag of namespaces for the same
/// endpoint.
pub(crate) const SCOPES: [(Flag, Flag); 6] = [
    (Flag::Pod, Flag::Namespace),
    (Flag::FromPod, Flag::FromNamespace),
    (Flag::ToPod, Flag::ToNamespace),
    (Flag::Service, Flag::Namespace),
    (Flag::FromService, Flag::FromNamespace),
    (Flag::ToService, Flag::ToNamespace),
];

/// Whether the values include "All", which restricts nothing.
pub(crate) fn is_all(flag: Flag, values: &[String]) -> bool {
    NAMES.contains(&flag) && values.iter().any(|value| ALL.contains(&value.trim()))
}

/// Expands the values of variables: `{a,b}` becomes two values, and "All" removes the flag.
///
/// Errors, with nothing expanded: a flag would have more values than allowed, or a value is `{}`.
/// Grafana never writes `{}`, and removing it would select all flows.
pub(crate) fn resolve(flags: &mut FlagValues) -> Result<(), (Flag, InvalidFlag)> {
    for flag in NAMES {
        let values = flags.get(&flag).into_iter().flatten();
        if let Some(value) = values.clone().find(|value| apart(value).next().is_none()) {
            return Err((flag, InvalidFlag::EmptyVariable { value: quote(value) }));
        }
        let count = values.map(|value| apart(value).count()).sum();
        if count > MAX_VALUES {
            return Err((flag, InvalidFlag::TooMany { count }));
        }
    }
    let mut of_any = Vec::new();
    for flag in NAMES {
        let Some(values) = flags.get_mut(&flag) else { continue };
        *values = values.iter().flat_map(|value| apart(value)).map(str::to_owned).collect();
        if values.iter().any(|value| ALL.contains(&value.as_str())) {
            flags.remove(&flag);
            of_any.push(flag);
        }
    }
    // Hubble reads a name without a namespace as one of `default`; a leading `/` means any
    // namespace.
    for (named, namespace) in SCOPES {
        if !of_any.contains(&namespace) {
            continue;
        }
        for name in flags.get_mut(&named).into_iter().flatten() {
            if !name.contains('/') {
                name.insert(0, '/');
            }
        }
    }
    Ok(())
}

/// The parts of `{a,b}`; any other text is its own single part.
fn apart(value: &str) -> impl Iterator<Item = &str> {
    let value = value.trim();
    let inner = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
    let choices = inner.into_iter().flat_map(|inner| inner.split(','));
    let choices = choices.map(str::trim).filter(|value| !value.is_empty());
    choices.chain(inner.is_none().then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_value_variables_become_values() {
        fn check(given: &[(Flag, &[&str])], expected: &[(Flag, &[&str])]) {
            let values = |flags: &[(Flag, &[&str])]| -> FlagValues {
                flags
                    .iter()
                    .map(|(flag, values)| {
                        (*flag, values.iter().map(|&value| value.to_owned()).collect())
                    })
                    .collect()
            };
            let mut flags = values(given);
            resolve(&mut flags).unwrap();
            assert_eq!(flags, values(expected), "{given:?}");
        }
        check(&[(Flag::Namespace, &["pets"])], &[(Flag::Namespace, &["pets"])]);
        check(&[(Flag::Namespace, &["{pets,web}"])], &[(Flag::Namespace, &["pets", "web"])]);
        check(&[(Flag::Namespace, &[".*"])], &[]);
        check(&[(Flag::Workload, &["$__all"])], &[]);
        check(&[(Flag::Verdict, &["{DROPPED,ERROR}"])], &[(Flag::Verdict, &["DROPPED", "ERROR"])]);
        // A pod of any namespace: without the slash Hubble would look in `default`.
        check(
            &[(Flag::FromNamespace, &[".*"]), (Flag::FromPod, &["{a-0,b-0}"])],
            &[(Flag::FromPod, &["/a-0", "/b-0"])],
        );
        check(
            &[(Flag::Namespace, &[".*"]), (Flag::Service, &["web", "shop/web"])],
            &[(Flag::Service, &["/web", "shop/web"])],
        );
        check(
            &[(Flag::ToNamespace, &["pets"]), (Flag::ToPod, &["a-0"])],
            &[(Flag::ToNamespace, &["pets"]), (Flag::ToPod, &["a-0"])],
        );
        // Other flags keep braces and asterisks as they are.
        check(&[(Flag::HttpPath, &["{a,b}"])], &[(Flag::HttpPath, &["{a,b}"])]);
        check(&[(Flag::Cluster, &["prod-*"])], &[(Flag::Cluster, &["prod-*"])]);
    }

    #[test]
    fn an_empty_variable_does_not_select_all_flows() {
        for value in ["{}", " { , } "] {
            let mut flags =
                FlagValues::from([(Flag::Workload, vec!["a".to_owned(), value.to_owned()])]);
            let before = flags.clone();
            let value = value.to_owned();
            let refused = resolve(&mut flags);
            assert_eq!(refused, Err((Flag::Workload, InvalidFlag::EmptyVariable { value })));
            assert_eq!(flags, before);
        }
    }

    #[test]
    fn more_values_than_a_flag_may_have() {
        let mut flags =
            FlagValues::from([(Flag::Namespace, vec![format!("{{{}}}", "a,".repeat(501))])]);
        let before = flags.clone();
        let refused = resolve(&mut flags);
        assert_eq!(refused, Err((Flag::Namespace, InvalidFlag::TooMany { count: 501 })));
        assert_eq!(flags, before);
    }
}
