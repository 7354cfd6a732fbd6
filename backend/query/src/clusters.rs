//! Names of clusters, from the metrics' to Cilium's. A managed Prometheus labels series with the
//! name of the Kubernetes service (on AKS); Cilium often names the same cluster `default`.

use std::collections::BTreeSet;

use wording::names;
use wording::{Notice, quote};

use crate::flag::Flag;
use crate::form::FlowsForm;

/// Flags whose values are cluster names.
const CLUSTER_FLAGS: [Flag; 3] = [Flag::Cluster, Flag::FromCluster, Flag::ToCluster];

/// Maximum number of clusters that a notice lists; the rest are counted.
const MAX_NAMES: usize = 10;

/// Result of looking up the cluster names of one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Cilium's names, or names that the relay does not know: left as they are.
    AsTheyAre,
    /// All clusters that the relay serves.
    Served,
}

/// Known names of clusters.
#[derive(Debug, Clone, Copy)]
pub struct ClusterNames<'a> {
    /// The name of the relay's cluster in the metrics.
    pub own: Option<&'a str>,
    /// The names of the relay's clusters in Cilium; empty if the relay does not report them.
    pub known: &'a BTreeSet<String>,
    /// Whether nodes record the cluster's name in flows.
    pub is_recorded: bool,
}

impl FlowsForm {
    /// Whether a condition names a cluster.
    pub fn names_clusters(&self) -> bool {
        let of_flags = self.filter.keys().chain(self.exclude.keys());
        let mut flags = of_flags.chain(self.adhoc.iter().map(|condition| &condition.key));
        flags.any(|flag| CLUSTER_FLAGS.contains(flag))
    }
}

impl ClusterNames<'_> {
    /// Replaces each name in `form` by the names that Hubble uses, and returns notices about
    /// clusters that the relay does not know. A relay that does not report its clusters leaves the
    /// form as it is.
    pub fn resolve(&self, form: &mut FlowsForm) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.known.is_empty() {
            return notices;
        }
        for flag in CLUSTER_FLAGS {
            self.resolve_flag(flag, form, &mut notices);
        }
        notices
    }

    fn resolve_flag(&self, flag: Flag, form: &mut FlowsForm, notices: &mut Vec<Notice>) {
        // Filters in JSON are alternatives to the form's own, so the form's flag is not a condition
        // then.
        let of_filter = form.filter.get(&flag).filter(|_| form.allowlist.is_empty());
        let of_adhoc = form.adhoc.iter().filter(|it| it.key == flag && !it.negated);
        let wanted: Vec<&Vec<String>> =
            of_filter.into_iter().chain(of_adhoc.map(|it| &it.values)).collect();
        // Names that exclude each other cannot all be the same cluster, so none is guessed.
        let may_guess = wanted.first().is_none_or(|first| {
            first.iter().any(|name| wanted.iter().all(|names| names.contains(name)))
        });
        let mut of = |asked: &[String], may_guess| {
            let (meaning, notice) = self.meaning(asked, may_guess);
            notices.extend(notice.filter(|notice| !notices.contains(notice)));
            meaning == Meaning::Served
        };
        let served = || self.known.iter().cloned().collect::<Vec<_>>();
        // Every flow of the relay comes from a cluster that it serves, so the condition always
        // holds.
        let holds_always = flag == Flag::Cluster;
        if let Some(names) = form.filter.get_mut(&flag)
            && of(names, may_guess)
        {
            *names = served();
            if holds_always && form.allowlist.is_empty() {
                form.filter.remove(&flag);
            }
        }
        if let Some(names) = form.exclude.get_mut(&flag)
            && of(names, false)
        {
            *names = served();
        }
        form.adhoc.retain_mut(|condition| {
            if condition.key != flag || !of(&condition.values, may_guess && !condition.negated) {
                return true;
            }
            condition.values = served();
            !holds_always || condition.negated
        });
    }

    /// The meaning of a condition's cluster names, and a notice if the relay does not know them.
    /// Without `may_guess` an unknown name keeps selecting nothing.
    fn meaning(&self, asked: &[String], may_guess: bool) -> (Meaning, Option<Notice>) {
        let Self { own, known, is_recorded } = *self;
        let only = known.first().filter(|only| known.len() == 1 && asked.contains(only));
        if let (false, Some(only)) = (is_recorded, only) {
            let text = format!(
                "nodes do not record clusters: these are all flows of `{only}`, the only cluster \
                 that the relay serves"
            );
            return (Meaning::Served, Some(Notice::info(text)));
        }
        if asked.iter().any(|name| name.contains('*') || known.contains(name)) {
            return (Meaning::AsTheyAre, None);
        }
        if asked.iter().any(|name| Some(name.as_str()) == own) {
            return (Meaning::Served, None);
        }
        let asked: Vec<String> = asked.iter().map(|name| quote(name)).collect();
        let asked = names::first(asked.iter().map(String::as_str), MAX_NAMES);
        let served = names::first(known.iter().map(String::as_str), MAX_NAMES);
        let (meaning, text) = match own {
            // The name is either the metrics' name of the relay's only cluster, or another cluster.
            None if known.len() == 1 && may_guess => {
                let text = format!(
                    "the relay knows no cluster {asked}: these are the flows of {served}, which may \
                     be the same cluster under Cilium's name; if so, enter the first name as \
                     `Cluster name` in the data source's settings"
                );
                (Meaning::Served, text)
            }
            None => {
                let text = format!("the relay knows no cluster {asked}; it serves {served}");
                (Meaning::AsTheyAre, text)
            }
            Some(own) => {
                let text = format!(
                    "the relay knows no cluster {asked}; it serves {served}, which the metrics call `{own}`"
                );
                (Meaning::AsTheyAre, text)
            }
        };
        (meaning, Some(Notice::warning(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hubble's filters of a query, by the clusters that they name.
    #[test]
    fn names_are_resolved_where_they_stand() {
        fn check(own: Option<&str>, query: &str, allow: &[&[&str]], deny: &[&[&str]]) {
            let mut form = crate::flows::FlowsQuery::take(
                crate::fields::Fields::read(query.as_bytes()).unwrap(),
            )
            .unwrap()
            .form;
            let known = BTreeSet::from(["default".to_owned()]);
            ClusterNames { own, known: &known, is_recorded: true }.resolve(&mut form);
            let filters = crate::selection::FlowSelection::new(&form).unwrap().filters;
            let names = |filters: &[flow::filter::FlowFilter]| -> Vec<Vec<String>> {
                let sources = filters.iter().filter(|filter| {
                    filter.destination_cluster_name.is_empty()
                        || !filter.source_cluster_name.is_empty()
                });
                sources.map(|filter| filter.source_cluster_name.clone()).collect()
            };
            assert_eq!(names(&filters.allow), allow, "{query}");
            assert_eq!(names(&filters.deny), deny, "{query}");
        }
        let is =
            |name: &str| format!(r#"{{"key": "cluster", "operator": "=", "value": "{name}"}}"#);
        let not =
            |name: &str| format!(r#"{{"key": "cluster", "operator": "!=", "value": "{name}"}}"#);
        let adhoc =
            |conditions: &[String]| format!(r#"{{"adhocFilters": [{}]}}"#, conditions.join(", "));
        let own = Some("aks");
        check(own, &adhoc(&[is("aks")]), &[], &[]);
        check(own, &adhoc(&[is("default")]), &[&["default"]], &[]);
        check(own, &adhoc(&[is("aks"), is("default")]), &[&["default"]], &[]);
        check(own, &adhoc(&[not("aks")]), &[], &[&["default"]]);
        check(own, &adhoc(&[not("other")]), &[], &[&["other"]]);
        check(own, r#"{"exclude": {"cluster": ["aks"]}}"#, &[], &[&["default"]]);
        check(own, r#"{"filter": {"cluster": ["aks"]}}"#, &[], &[]);
        check(own, r#"{"filter": {"fromCluster": ["aks"]}}"#, &[&["default"]], &[]);
        let both =
            format!(r#"{{"filter": {{"cluster": ["other"]}}, "adhocFilters": [{}]}}"#, is("aks"));
        check(own, &both, &[&["other"]], &[]);
        // A JSON filter is an alternative: it stands beside the condition of the whole cluster.
        let beside =
            r#"{"filter": {"cluster": ["aks"]}, "allowlist": ["{\"source_pod\": [\"a\"]}"]}"#;
        check(own, beside, &[&["default"], &[]], &[]);
        // Only a single name is guessed to be the served cluster: a cluster has one name.
        check(None, &adhoc(&[is("a")]), &[], &[]);
        check(None, &adhoc(&[is("a"), is("a")]), &[], &[]);
        check(None, &adhoc(&[not("a")]), &[], &[&["a"]]);
    }

    #[test]
    fn two_unknown_clusters_select_nothing() {
        let conditions = ["a", "b"]
            .map(|name| format!(r#"{{"key": "fromCluster", "operator": "=", "value": "{name}"}}"#));
        let query = format!(r#"{{"adhocFilters": [{}]}}"#, conditions.join(", "));
        let mut form =
            crate::flows::FlowsQuery::take(crate::fields::Fields::read(query.as_bytes()).unwrap())
                .unwrap()
                .form;
        let known = BTreeSet::from(["default".to_owned()]);
        let notices =
            ClusterNames { own: None, known: &known, is_recorded: true }.resolve(&mut form);
        assert_eq!(notices.len(), 2, "{notices:?}");
        let filters = crate::selection::FlowSelection::new(&form).unwrap().filters;
        assert_eq!(filters.deny, [flow::filter::FlowFilter::default()], "nothing is selected");
    }

    #[test]
    fn clusters_of_metrics_and_of_cilium() {
        fn check(asked: &[&str], own: Option<&str>, known: &[&str], kept: bool, message: &str) {
            let mut form = FlowsForm::default();
            if !asked.is_empty() {
                let names = asked.iter().map(|&name| name.to_owned()).collect();
                form.filter.insert(Flag::Cluster, names);
            }
            let known: BTreeSet<String> = known.iter().map(|&name| name.to_owned()).collect();
            let notices = ClusterNames { own, known: &known, is_recorded: true }.resolve(&mut form);
            let is_kept = form.filter.contains_key(&Flag::Cluster);
            assert_eq!(is_kept, kept, "{asked:?} {own:?} {known:?}");
            let text: String = notices.into_iter().map(|notice| notice.text).collect();
            assert_eq!(text, message, "{asked:?} {own:?} {known:?}");
        }
        check(&[], None, &["default"], false, "");
        // Metrics and Cilium use the same name, or the query uses Cilium's.
        check(&["aks-pets"], None, &["aks-pets"], true, "");
        check(&["aks-pets", "aks-other"], None, &["aks-pets"], true, "");
        check(&["mesh-1"], None, &["mesh-1", "mesh-2"], true, "");
        check(&["default"], Some("aks-pets"), &["default"], true, "");
        check(&["prod-*"], None, &["default"], true, "");
        // The settings hold the metrics' name.
        check(&["aks-pets"], Some("aks-pets"), &["default"], false, "");
        check(&["aks-other", "aks-pets"], Some("aks-pets"), &["default"], false, "");
        check(
            &["aks-other"],
            Some("aks-pets"),
            &["default"],
            true,
            "the relay knows no cluster `aks-other`; it serves `default`, which the metrics call `aks-pets`",
        );
        // The setting is empty: the two names may mean the same cluster.
        check(
            &["aks-pets"],
            None,
            &["default"],
            false,
            "the relay knows no cluster `aks-pets`: these are the flows of `default`, which may be the same cluster under Cilium's name; if so, enter the first name as `Cluster name` in the data source's settings",
        );
        check(
            &["a", "b"],
            None,
            &["mesh-1", "mesh-2"],
            true,
            "the relay knows no cluster `a`, `b`; it serves `mesh-1`, `mesh-2`",
        );
        // A long list is cut after ten names.
        let names: Vec<String> = (10..30).map(|number| format!("c{number}")).collect();
        let many: Vec<&str> = names.iter().map(String::as_str).collect();
        let ten =
            "`c10`, `c11`, `c12`, `c13`, `c14`, `c15`, `c16`, `c17`, `c18`, `c19` and 10 more";
        check(
            &["a"],
            None,
            &many,
            true,
            &format!("the relay knows no cluster `a`; it serves {ten}"),
        );
        check(
            &many,
            None,
            &["a", "b"],
            true,
            &format!("the relay knows no cluster {ten}; it serves `a`, `b`"),
        );
        // A relay that does not report its clusters.
        check(&["aks-pets"], None, &[], true, "");
    }
}
