//! Policies without a namespace: `kubectl apply -n` gives them one that their text does not have.

use cilium_policy::{Entry, Identity, PolicyId, PolicySet, identity_label::POD_NAMESPACE, sorted};

use crate::{Judgement, Prepared};

/// Policies without a namespace, where no setting gives the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Number of such policies.
    pub policies: usize,
    /// The namespace that is assumed for them.
    pub assumed: String,
    /// Namespaces with pods that they would select, and the number of flows of such pods; most
    /// flows first.
    pub offers: Vec<(String, u64)>,
}

/// Maximum number of offered namespaces.
const MAX_OFFERS: usize = 8;
/// Maximum number of policies that are named one by one.
const MAX_NAMED: usize = 5;

impl Unplaced {
    /// Policies without a namespace, with the likely namespaces from flows. `None`: there are no
    /// such policies, or the setting `namespace` is given.
    #[must_use]
    pub fn of(set: &PolicySet, flows: &Prepared) -> Option<Self> {
        let settings = set.settings();
        if settings.is_namespace_given {
            return None;
        }
        let mut policies: Vec<PolicyId> = unplaced(set).map(|(policy, _)| policy).collect();
        sorted::sort(&mut policies);
        policies.dedup();
        if policies.is_empty() {
            return None;
        }
        let mut offers: Vec<(String, u64)> = Vec::new();
        for (subject, flows) in flows.subjects() {
            if let Some(namespace) = likely_namespace(set, subject) {
                sorted::update(&mut offers, namespace.to_owned(), |count| {
                    *count = count.saturating_add(flows);
                });
            }
        }
        sorted::sort_by(&mut offers, |(one, flows), (other, more)| {
            (more, one).cmp(&(flows, other))
        });
        offers.truncate(MAX_OFFERS);
        let policies = policies.len();
        Some(Self { policies, assumed: settings.namespace.clone(), offers })
    }

    /// A note on these policies, with the remedy.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { policies, assumed, offers } = self;
        let (policies, are) = match policies {
            1 => ("1 policy has no namespace".to_owned(), "is"),
            many => (format!("{many} policies have no namespace"), "are"),
        };
        let offer = match offers.as_slice() {
            [] => "`kubectl apply -n` may have given another".to_owned(),
            offers => {
                let own: Vec<String> = offers
                    .iter()
                    .map(|(namespace, flows)| match flows {
                        1 => format!("`{namespace}` (1 flow)"),
                        many => format!("`{namespace}` ({many} flows)"),
                    })
                    .collect();
                format!("pods that they would select are in {}", own.join(", "))
            }
        };
        format!(
            "{policies} and {are} assumed to be in `{assumed}`: {offer}; set `namespace` to the right one"
        )
    }
}

impl Judgement {
    /// A note on the policies without a namespace that would select this flow's subject, were they
    /// in the namespace of its pod. `None`: there are no such policies, or the setting `namespace`
    /// is given.
    #[must_use]
    pub fn unplaced(&self, set: &PolicySet) -> Option<String> {
        let namespace = likely_namespace(set, &self.connection.subject)?;
        // Rules of the other direction change nothing here.
        let mut policies: Vec<PolicyId> = selecting_elsewhere(set, &self.connection.subject)
            .filter(|(_, entry)| entry.direction == self.connection.direction)
            .map(|(policy, _)| policy)
            .collect();
        policies.dedup();
        if policies.is_empty() {
            return None;
        }
        let more = policies.len().saturating_sub(MAX_NAMED);
        let mut names: Vec<String> = policies
            .into_iter()
            .take(MAX_NAMED)
            .filter_map(|policy| set.policies().get(policy))
            .map(|policy| format!("`{}`", policy.name.name))
            .collect();
        if more > 0 {
            names.push(format!("{more} more"));
        }
        Some(format!(
            "judged without {}, which {} no namespace and would select this pod in `{namespace}`: set `namespace={namespace}` to judge with {}",
            names.join(", "),
            if names.len() == 1 { "has" } else { "have" },
            if names.len() == 1 { "it" } else { "them" }
        ))
    }
}

/// The namespace of a pod that policies without a namespace would select if they were in it, and do
/// not select now.
fn likely_namespace<'i>(set: &PolicySet, subject: &'i Identity) -> Option<&'i str> {
    if set.settings().is_namespace_given {
        return None;
    }
    let namespace = subject.k8s_label(POD_NAMESPACE)?;
    (namespace != set.settings().namespace && selecting_elsewhere(set, subject).next().is_some())
        .then_some(namespace)
}

/// Policies without a namespace whose selectors match apart from the namespace; in order.
fn selecting_elsewhere<'s>(
    set: &'s PolicySet,
    subject: &'s Identity,
) -> impl Iterator<Item = (PolicyId, &'s Entry)> + 's {
    let selects = |(_, entry): &(PolicyId, &Entry)| {
        entry.subject.requirements.iter().all(|requirement| {
            requirement.key == POD_NAMESPACE || requirement.matches(subject.labels())
        })
    };
    unplaced(set).filter(selects)
}

/// Entries of the policies without a namespace; entries of a replaced policy do not count.
fn unplaced(set: &PolicySet) -> impl Iterator<Item = (PolicyId, &Entry)> {
    let is_unplaced = |entry: &&Entry| {
        set.policies().get(entry.policy).is_some_and(|policy| policy.lacks_namespace)
    };
    set.entries().iter().filter(is_unplaced).map(|entry| (entry.policy, entry))
}

#[cfg(test)]
mod tests {
    use flow::{Endpoint, Flow, Layer4, Tcp, TrafficDirection};

    use super::*;
    use crate::{JudgeFlows, Learned};
    use cilium_policy::{Judge, Settings, SourceText};

    const CHAOS: &str =
        include_str!("../../../tests/vectors/policies-lab/acns-network-policy-chaos.yaml");
    const COMBINED: &str =
        include_str!("../../../tests/vectors/policies-lab/aks-combined-fqdn-l7.yaml");

    fn flow(namespace: &str, app: &str) -> Flow {
        let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
        let labels = [
            format!("k8s:app={app}"),
            format!("k8s:io.kubernetes.pod.namespace={namespace}"),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
        ];
        Flow {
            traffic_direction: TrafficDirection::Ingress,
            l4: Some(Layer4::Tcp(Tcp { destination_port: 8080, ..Tcp::default() })),
            source: Some(world),
            destination: Some(Endpoint { labels: labels.to_vec(), ..Endpoint::default() }),
            ..Flow::default()
        }
    }

    #[test]
    fn a_missing_namespace_is_noted_and_the_likely_one_offered() {
        let check =
            |text: &str, given: Option<&str>, flows: &[Flow], expect: Option<&str>, at: &str| {
                let mut settings = Settings::default();
                assert!(given.is_none_or(|namespace| settings.set("namespace", namespace)));
                let set = PolicySet::read(&[SourceText { index: 0, text }], settings);
                let set = std::sync::Arc::new(set);
                let prepared = Prepared::of(flows, &Learned::default(), set.settings());
                let note = Unplaced::of(&set, &prepared).map(|unplaced| unplaced.sentence());
                assert_eq!(note.as_deref(), expect);
                let judge = Judge::new(std::sync::Arc::clone(&set));
                let judgement = judge.explain_flow(&flows[0], &Learned::default()).unwrap();
                assert_eq!(judgement.unplaced(&set).unwrap_or_default(), at);
            };
        let taken = "1 policy has no namespace and is assumed to be in `default`: ";
        let which = "; set `namespace` to the right one";
        let pets =
            [flow("pets", "store-front"), flow("shop", "store-front"), flow("pets", "store-front")];
        check(
            CHAOS,
            None,
            &pets,
            Some(&format!(
                "{taken}pods that they would select are in `pets` (2 flows), `shop` (1 flow){which}"
            )),
            "judged without `allow-store-front-traffic`, which has no namespace and would select this pod in `pets`: set `namespace=pets` to judge with it",
        );
        let other = [flow("pets", "order-service")];
        check(
            CHAOS,
            None,
            &other,
            Some(&format!("{taken}`kubectl apply -n` may have given another{which}")),
            "",
        );
        // The assumption may be right and is noted all the same; pods in the assumed namespace need
        // no note.
        let own = [flow("default", "store-front")];
        check(
            CHAOS,
            None,
            &own,
            Some(&format!("{taken}`kubectl apply -n` may have given another{which}")),
            "",
        );
        check(CHAOS, Some("pets"), &pets, None, "");
        check(CHAOS, Some("default"), &pets, None, "");
        check(COMBINED, None, &pets, None, "");
        check(
            &CHAOS.replace("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"),
            None,
            &pets,
            None,
            "",
        );
    }
}
