//! What Grafana writes into a link for a variable: several values as `{a,b}`, and "All" as the
//! regular expression that stands for it in PromQL. Kubernetes has no such names.

use wording::quote;

use crate::flag::{Flag, FlagValues, InvalidFlag, MAX_VALUES};

/// "All", as dashboards define it.
pub(crate) const ALL: [&str; 3] = [".*", ".+", "$__all"];

/// Flags whose values are names, which hold neither braces nor asterisks alone.
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

/// The flag of names that may begin with a namespace, and the flag of namespaces on the same side.
pub(crate) const SCOPES: [(Flag, Flag); 6] = [
    (Flag::Pod, Flag::Namespace),
    (Flag::FromPod, Flag::FromNamespace),
    (Flag::ToPod, Flag::ToNamespace),
    (Flag::Service, Flag::Namespace),
    (Flag::FromService, Flag::FromNamespace),
    (Flag::ToService, Flag::ToNamespace),
];

/// Whether these values are "All" of a variable of names, which restricts nothing.
pub(crate) fn is_all(flag: Flag, values: &[String]) -> bool {
    NAMES.contains(&flag) && values.iter().any(|value| ALL.contains(&value.trim()))
}

/// Takes choices apart: `{a,b}` are two values, "All" leaves the condition out.
///
/// Errors: a flag would have more values than it may, or a choice holds none (Grafana never writes
/// `{}`, and without it all flows would be shown); nothing was taken apart then.
pub(crate) fn resolve(flags: &mut FlagValues) -> Result<(), (Flag, InvalidFlag)> {
    for flag in NAMES {
        let values = flags.get(&flag).into_iter().flatten();
        if let Some(value) = values.clone().find(|value| apart(value).next().is_none()) {
            return Err((flag, InvalidFlag::NoChoice { value: quote(value) }));
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
    // Hubble takes a name without a namespace for one of `default`.
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

/// `{a,b}` as `a` and `b`; anything else as it is.
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
    fn choices_of_variables_become_values() {
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
        // A pod of any namespace, which without the slash is one of `default`.
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
        // Braces and asterisks elsewhere are what they are.
        check(&[(Flag::HttpPath, &["{a,b}"])], &[(Flag::HttpPath, &["{a,b}"])]);
        check(&[(Flag::Cluster, &["prod-*"])], &[(Flag::Cluster, &["prod-*"])]);
    }

    #[test]
    fn a_choice_without_a_value_is_not_all_flows() {
        for value in ["{}", " { , } "] {
            let mut flags =
                FlagValues::from([(Flag::Workload, vec!["a".to_owned(), value.to_owned()])]);
            let before = flags.clone();
            let value = value.to_owned();
            let refused = resolve(&mut flags);
            assert_eq!(refused, Err((Flag::Workload, InvalidFlag::NoChoice { value })));
            assert_eq!(flags, before);
        }
    }

    #[test]
    fn more_choices_than_a_flag_may_have() {
        let mut flags =
            FlagValues::from([(Flag::Namespace, vec![format!("{{{}}}", "a,".repeat(501))])]);
        let before = flags.clone();
        let refused = resolve(&mut flags);
        assert_eq!(refused, Err((Flag::Namespace, InvalidFlag::TooMany { count: 501 })));
        assert_eq!(flags, before);
    }
}
