//! Clusters by the name that metrics give them. The label `cluster` of a managed Prometheus is the
//! name of the Kubernetes service (on AKS), Cilium's own name of the same cluster is often `default`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::flag::Flag;
use super::form::FlowsForm;
use crate::frames::Notice;
use crate::instance::Instance;

/// `form` with clusters as Hubble calls them, and what is to be said of those that it does not know.
/// Where the relay does not tell its clusters, the form stays as it is.
pub(crate) async fn resolve<'f>(
    instance: &Instance,
    form: &'f FlowsForm,
) -> (Cow<'f, FlowsForm>, Option<Notice>) {
    let form = with_adhoc(form);
    if !form.filter.contains_key(&Flag::Cluster) {
        return (form, None);
    }
    let own = instance.settings().ok().and_then(|settings| settings.cluster.clone());
    let known = match instance.relay() {
        Ok(relay) => relay.clusters().await,
        Err(_) => BTreeSet::new(),
    };
    match form {
        Cow::Borrowed(form) => resolve_among(form, own.as_deref(), &known),
        Cow::Owned(form) => {
            let (resolved, notice) = resolve_among(&form, own.as_deref(), &known);
            (Cow::Owned(resolved.into_owned()), notice)
        }
    }
}

/// `form` with the clusters of an ad hoc filter, which is how links say them, among its own
/// conditions. Filters in JSON are alternatives to those, and stay as they are.
fn with_adhoc(form: &FlowsForm) -> Cow<'_, FlowsForm> {
    let clusters = super::adhoc::clusters(&form.adhoc);
    let (true, Some(clusters)) = (form.allowlist.is_empty(), clusters) else {
        return Cow::Borrowed(form);
    };
    if form.filter.contains_key(&Flag::Cluster) {
        return Cow::Borrowed(form);
    }
    let mut form = form.clone();
    form.filter.insert(Flag::Cluster, clusters.to_vec());
    form.adhoc
        .retain(|condition| super::adhoc::clusters(std::slice::from_ref(condition)).is_none());
    Cow::Owned(form)
}

/// `own` is how metrics call the relay's cluster, `known` is how Cilium calls those that it serves.
fn resolve_among<'f>(
    form: &'f FlowsForm,
    own: Option<&str>,
    known: &BTreeSet<String>,
) -> (Cow<'f, FlowsForm>, Option<Notice>) {
    let Some(asked) = form.filter.get(&Flag::Cluster) else {
        return (Cow::Borrowed(form), None);
    };
    let is_known = |name: &String| name.contains('*') || known.contains(name);
    let of_any = || {
        let mut form = form.clone();
        form.filter.remove(&Flag::Cluster);
        Cow::Owned(form)
    };
    if known.is_empty() || asked.iter().any(is_known) {
        return (Cow::Borrowed(form), None);
    }
    if asked.iter().any(|name| Some(name.as_str()) == own) {
        return (of_any(), None);
    }
    let names = |names: &mut dyn Iterator<Item = &String>| {
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let (asked, served) = (names(&mut asked.iter()), names(&mut known.iter()));
    match own {
        // The metrics' name of the only cluster there is, or that of another one.
        None if known.len() == 1 => {
            let text = format!(
                "the relay knows no cluster {asked}: these are the flows of {served}, which may be \
                 the same by Cilium's name; if so, put the first name into `Cluster name` of the \
                 data source's settings"
            );
            (of_any(), Some(Notice::warning(text)))
        }
        None => {
            let text = format!("the relay knows no cluster {asked}; it serves {served}");
            (Cow::Borrowed(form), Some(Notice::warning(text)))
        }
        Some(own) => {
            let text = format!(
                "the relay knows no cluster {asked}; it serves {served}, which the metrics call `{own}`"
            );
            (Cow::Borrowed(form), Some(Notice::warning(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_of_an_ad_hoc_filter_are_of_the_form() {
        fn check(query: &str, filter: &[&str], left: usize) {
            let read = crate::query::model::FlowsQuery::read(query.as_bytes()).unwrap();
            let form = with_adhoc(&read.form);
            let clusters = form.filter.get(&Flag::Cluster).cloned().unwrap_or_default();
            assert_eq!(clusters, filter, "{query}");
            assert_eq!(form.adhoc.len(), left, "{query}");
        }
        let is = r#"{"key": "cluster", "operator": "=", "value": "a"}"#;
        let one_of = r#"{"key": "cluster", "operator": "=|", "value": "", "values": ["a", "b"]}"#;
        let not = r#"{"key": "cluster", "operator": "!=", "value": "a"}"#;
        let all = r#"{"key": "cluster", "operator": "=|", "value": "", "values": [".*"]}"#;
        check(&format!(r#"{{"adhocFilters": [{is}]}}"#), &["a"], 0);
        check(&format!(r#"{{"adhocFilters": [{one_of}]}}"#), &["a", "b"], 0);
        check(&format!(r#"{{"adhocFilters": [{not}]}}"#), &[], 1);
        check(&format!(r#"{{"adhocFilters": [{all}]}}"#), &[], 0);
        check(&format!(r#"{{"filter": {{"cluster": ["b"]}}, "adhocFilters": [{is}]}}"#), &["b"], 1);
        check(&format!(r#"{{"allowlist": ["{{}}"], "adhocFilters": [{is}]}}"#), &[], 1);
    }

    #[test]
    fn clusters_of_metrics_and_of_cilium() {
        fn check(asked: &[&str], own: Option<&str>, known: &[&str], kept: bool, said: &str) {
            let mut form = FlowsForm::default();
            if !asked.is_empty() {
                let names = asked.iter().map(|&name| name.to_owned()).collect();
                form.filter.insert(Flag::Cluster, names);
            }
            let known = known.iter().map(|&name| name.to_owned()).collect();
            let (resolved, notice) = resolve_among(&form, own, &known);
            let is_kept = resolved.filter.contains_key(&Flag::Cluster);
            assert_eq!(is_kept, kept, "{asked:?} {own:?} {known:?}");
            let text = notice.map_or(String::new(), |notice| notice.text);
            assert_eq!(text, said, "{asked:?} {own:?} {known:?}");
        }
        check(&[], None, &["default"], false, "");
        // Both call it the same, or Cilium's name was asked for.
        check(&["aks-pets"], None, &["aks-pets"], true, "");
        check(&["aks-pets", "aks-other"], None, &["aks-pets"], true, "");
        check(&["mesh-1"], None, &["mesh-1", "mesh-2"], true, "");
        check(&["default"], Some("aks-pets"), &["default"], true, "");
        check(&["prod-*"], None, &["default"], true, "");
        // The settings say how metrics call it.
        check(&["aks-pets"], Some("aks-pets"), &["default"], false, "");
        check(&["aks-other", "aks-pets"], Some("aks-pets"), &["default"], false, "");
        check(
            &["aks-other"],
            Some("aks-pets"),
            &["default"],
            true,
            "the relay knows no cluster `aks-other`; it serves `default`, which the metrics call `aks-pets`",
        );
        // Nobody says: it cannot be told.
        check(
            &["aks-pets"],
            None,
            &["default"],
            false,
            "the relay knows no cluster `aks-pets`: these are the flows of `default`, which may be the same by Cilium's name; if so, put the first name into `Cluster name` of the data source's settings",
        );
        check(
            &["a", "b"],
            None,
            &["mesh-1", "mesh-2"],
            true,
            "the relay knows no cluster `a`, `b`; it serves `mesh-1`, `mesh-2`",
        );
        // A relay that does not say what it serves.
        check(&["aks-pets"], None, &[], true, "");
    }
}
