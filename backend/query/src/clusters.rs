//! Clusters by the name that metrics give them. The label `cluster` of a managed Prometheus is the
//! name of the Kubernetes service (on AKS), Cilium's own name of the same cluster is often `default`.

use std::collections::BTreeSet;

use wording::names;
use wording::{Notice, quote};

use crate::flag::Flag;
use crate::form::FlowsForm;

/// Flags whose values are names of clusters.
const CLUSTER_FLAGS: [Flag; 3] = [Flag::Cluster, Flag::FromCluster, Flag::ToCluster];

/// Clusters that a notice names, asked for or served; further ones are counted.
const MAX_NAMES: usize = 10;

/// What the names of one condition stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Names of Cilium's, or of no cluster that the relay serves.
    AsTheyAre,
    /// All that the relay serves.
    Served,
}

/// What is known of names of clusters.
#[derive(Debug, Clone, Copy)]
pub struct ClusterNames<'a> {
    /// How metrics call the relay's cluster.
    pub own: Option<&'a str>,
    /// How Cilium calls those that the relay serves; empty: the relay does not say.
    pub known: &'a BTreeSet<String>,
    /// Whether the nodes' flows name their cluster at all.
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
    /// Puts clusters as Hubble calls them in the place of each name in `form`, and gives notices
    /// about clusters that the relay does not know. Where the relay does not name its clusters, the
    /// form stays as it is.
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
        // Filters in JSON are alternatives to the form's own, which are no condition then.
        let of_filter = form.filter.get(&flag).filter(|_| form.allowlist.is_empty());
        let of_adhoc = form.adhoc.iter().filter(|it| it.key == flag && !it.negated);
        let wanted: Vec<&Vec<String>> =
            of_filter.into_iter().chain(of_adhoc.map(|it| &it.values)).collect();
        // Names that exclude each other are not guessed to be one cluster.
        let may_guess = wanted.first().is_none_or(|first| {
            first.iter().any(|name| wanted.iter().all(|names| names.contains(name)))
        });
        let mut of = |asked: &[String], may_guess| {
            let (meaning, notice) = self.meaning(asked, may_guess);
            notices.extend(notice.filter(|notice| !notices.contains(notice)));
            meaning == Meaning::Served
        };
        let served = || self.known.iter().cloned().collect::<Vec<_>>();
        // Every flow that the relay has is of a cluster that it serves, named or not.
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

    /// The meaning of a condition's names, and a notice where they are not the relay's. Without
    /// `may_guess` an unknown name keeps selecting nothing.
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
            // The metrics' name of the only cluster there is, or that of another one.
            None if known.len() == 1 && may_guess => {
                let text = format!(
                    "the relay knows no cluster {asked}: these are the flows of {served}, which may \
                     be the same by Cilium's name; if so, put the first name into `Cluster name` of \
                     the data source's settings"
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
            let filters = crate::filter::FlowSelection::new(&form).unwrap().filters;
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
        // An alternative in JSON stands beside the whole cluster, and not instead of it.
        let beside =
            r#"{"filter": {"cluster": ["aks"]}, "allowlist": ["{\"source_pod\": [\"a\"]}"]}"#;
        check(own, beside, &[&["default"], &[]], &[]);
        // A guess is one name; no cluster has two.
        check(None, &adhoc(&[is("a")]), &[], &[]);
        check(None, &adhoc(&[is("a"), is("a")]), &[], &[]);
        check(None, &adhoc(&[not("a")]), &[], &[&["a"]]);
    }

    #[test]
    fn no_flow_is_of_two_clusters_that_are_unknown() {
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
        let filters = crate::filter::FlowSelection::new(&form).unwrap().filters;
        assert_eq!(filters.deny, [flow::filter::FlowFilter::default()], "nothing is selected");
    }

    #[test]
    fn clusters_of_metrics_and_of_cilium() {
        fn check(asked: &[&str], own: Option<&str>, known: &[&str], kept: bool, said: &str) {
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
        // It is not known whether it is the same.
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
        // Of many, the first ones.
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
        // A relay that does not say what it serves.
        check(&["aks-pets"], None, &[], true, "");
    }
}
