//! Tests of every panel, variable and rule on every profile, evaluated by a real Prometheus over
//! acts of the pet shop whose flows are known.
//!
//! `flows` and `series` read `tests/vectors/metrics`, `retina` and `cluster` count what was not
//! recorded, `profile` adds the labels of a scrape, `timeline` plays the acts repeatedly, and
//! `faults` finds general faults.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod boards;
mod cluster;
mod expected;
mod faults;
mod flows;
mod links;
mod profile;
mod prometheus;
mod retina;
mod rules;
mod series;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use boards::{Choice, Panel, Query};
use expected::{Expected, Question, UNCOUNTED, Whose};
use faults::Answers;
use flows::{Act, Flow};
use profile::{Families, Profile};
use prometheus::{Answer, At, Prometheus};
use series::Series;
use timeline::{Cluster, PERIOD_SECS, RANGE_SECS, SHOWN};

/// Number of concurrent queries.
const AT_ONCE: usize = 6;

/// All clusters in one Prometheus.
struct World {
    flows: BTreeMap<Act, Vec<Flow>>,
    prometheus: Arc<Prometheus>,
    families: BTreeMap<(Profile, Act), Families>,
}

impl World {
    async fn start() -> Self {
        let flows: BTreeMap<Act, Vec<Flow>> =
            Act::ALL.into_iter().map(|act| (act, flows::read(act))).collect();
        let mut samples = String::new();
        let mut families: BTreeMap<(Profile, Act), Families> = BTreeMap::new();
        for profile in Profile::ALL {
            let series: Vec<(Act, Series)> =
                flows.iter().map(|(act, flows)| (*act, profile.series(*act, flows))).collect();
            let series: Vec<(Act, &Series)> =
                series.iter().map(|(act, series)| (*act, series)).collect();
            for (act, series) in &series {
                let known = families.entry((profile, *act)).or_default();
                for (name, labels) in series.keys() {
                    known.add(name, &profile.scraped(name, labels, "any"));
                }
            }
            for cluster in clusters(profile) {
                cluster.write(&mut samples, &series);
            }
        }
        samples.push_str("# EOF\n");
        Self { flows, prometheus: Arc::new(Prometheus::start(&samples).await), families }
    }

    /// The expected content of a panel for an act, if it is counted.
    fn expected(
        &self,
        panel: &Panel,
        profile: Profile,
        act: Act,
        whose: Whose,
    ) -> Option<Expected> {
        if !faults::can_tell(panel, &self.families[&(profile, act)]) {
            return None;
        }
        let cluster = &Cluster::steady(profile, act).name;
        expected::of(Question { panel, profile, cluster, flows: &self.flows[&act], whose })
    }

    /// The answers of many queries, under the same keys.
    async fn ask<K: Ord + Send + 'static>(
        &self,
        questions: Vec<(K, String, At)>,
    ) -> BTreeMap<K, Result<Vec<Answer>, String>> {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (key, expr, at) in questions {
            let (prometheus, permits) = (Arc::clone(&self.prometheus), Arc::clone(&permits));
            tasks.spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                (key, prometheus.ask(&expr, at).await)
            });
        }
        tasks.join_all().await.into_iter().collect()
    }
}

fn clusters(profile: Profile) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> =
        Act::ALL.into_iter().map(|act| Cluster::steady(profile, act)).collect();
    clusters.push(Cluster::rollout(profile));
    clusters
}

/// The time of a panel's query, for the range that ends with the cluster's last round.
fn at(query: &Query, end: i64) -> At {
    if query.is_instant {
        At::Instant(end)
    } else {
        At::Range { start: end - SHOWN * PERIOD_SECS, end, step: PERIOD_SECS }
    }
}

/// The queries of panels in a cluster with a choice, by the numbers of panel and query.
fn questions(
    panels: &[Panel],
    cluster: &Cluster,
    choice: &Choice,
) -> Vec<((usize, usize), String, At)> {
    let mut questions = vec![];
    for (number, panel) in panels.iter().enumerate() {
        for (which, query) in panel.queries.iter().enumerate() {
            let at = at(query, cluster.end_secs());
            questions.push(((number, which), choice.fill(&query.expr), at));
        }
    }
    questions
}

#[tokio::test]
async fn panels_are_correct_on_every_profile() {
    let world = World::start().await;
    let panels = boards::panels();
    let mut found = String::new();
    let mut counted = String::new();
    for profile in Profile::ALL {
        let mut asked = vec![];
        for act in Act::ALL {
            let cluster = Cluster::steady(profile, act);
            let choice = Choice::of(&cluster.name);
            asked.extend(
                questions(&panels, &cluster, &choice)
                    .into_iter()
                    .map(|((panel, query), expr, at)| ((panel, act, query), expr, at)),
            );
        }
        let mut answers: BTreeMap<usize, BTreeMap<Act, Answers>> = BTreeMap::new();
        for ((panel, act, _), answer) in world.ask(asked).await {
            answers.entry(panel).or_default().entry(act).or_default().push(answer);
        }
        let families = |act| &world.families[&(profile, act)];
        for (number, panel) in panels.iter().enumerate() {
            let name = profile.name();
            let answers = &answers[&number];
            let mut faults = faults::of_panel(panel, profile, families, answers);
            let mut counts = vec![];
            for act in Act::ALL {
                let Some(expected) = world.expected(panel, profile, act, Whose::All) else {
                    continue;
                };
                let fault = expected.fault(panel, &answers[&act]);
                faults.extend(fault.map(|fault| format!("{}: {fault}", act.name())));
                counts.push((act, expected.sum()));
            }
            for fault in faults {
                writeln!(found, "{name} | {} | {} | {fault}", panel.board, panel.title).unwrap();
            }
            if counts.iter().any(|(_, count)| *count > 0.0) {
                let counts: Vec<String> =
                    counts.iter().map(|(act, count)| format!("{} {count}", act.name())).collect();
                let counts = counts.join(", ");
                writeln!(counted, "{name} | {} | {} | {counts}", panel.board, panel.title).unwrap();
            }
        }
    }
    insta::assert_snapshot!("counted", counted);
    assert_eq!(uncounted(&panels, &counted), "", "panels without a number and without a reason");
    assert!(found.is_empty(), "{found}");
    let found = chosen(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let found = rollouts(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let found = choices(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let found = links(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let faults = rules::faults(&world).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Faults in the list of panels with general checks only (a number, no error, a share within 0 to
/// 1, a text): each of them needs a reason, and no other panel may have one.
fn uncounted(panels: &[Panel], counted: &str) -> String {
    let counted: BTreeSet<(&str, &str)> = counted
        .lines()
        .map(|line| {
            let mut words = line.split(" | ").skip(1);
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    let all: BTreeSet<(&str, &str)> =
        panels.iter().map(|panel| (panel.board.as_str(), panel.title.as_str())).collect();
    let excused: BTreeSet<(&str, &str)> =
        UNCOUNTED.iter().map(|(board, title, _)| (*board, *title)).collect();
    let uncounted: BTreeSet<(&str, &str)> = all.difference(&counted).copied().collect();
    let mut found = String::new();
    for (board, title) in uncounted.symmetric_difference(&excused) {
        let is = if excused.contains(&(board, title)) { "a reason too many" } else { "no reason" };
        writeln!(found, "{board} | {title} | {is}").unwrap();
    }
    found
}

/// Faults if a namespace and a workload are chosen.
async fn chosen(world: &World, panels: &[Panel]) -> String {
    let mut found = String::new();
    let whose = Whose::Of { namespace: "pets", workload: "store-front" };
    for profile in Profile::ALL {
        for act in Act::ALL {
            let cluster = Cluster::steady(profile, act);
            let choice =
                Choice::of(&cluster.name).and("namespace", "pets").and("workload", "store-front");
            let mut answers: BTreeMap<usize, Answers> = BTreeMap::new();
            for ((panel, _), answer) in world.ask(questions(panels, &cluster, &choice)).await {
                answers.entry(panel).or_default().push(answer);
            }
            for (number, panel) in panels.iter().enumerate() {
                let Some(expected) = world.expected(panel, profile, act, whose) else { continue };
                if let Some(fault) = expected.fault(panel, &answers[&number]) {
                    let (name, board, title) = (&cluster.name, &panel.board, &panel.title);
                    writeln!(found, "{name} | {board} | {title} | {fault}").unwrap();
                }
            }
        }
    }
    found
}

/// Faults if drops, verdicts and names begin in the middle of the dashboard's range.
async fn rollouts(world: &World, panels: &[Panel]) -> String {
    let (mut found, mut begun) = (String::new(), 0);
    for profile in Profile::ALL {
        let cluster = Cluster::rollout(profile);
        let all = Choice::of(&cluster.name);
        let one = all.clone().and("namespace", "pets").and("workload", "store-front");
        for choice in [all, one] {
            let mut answers: BTreeMap<usize, Answers> = BTreeMap::new();
            for ((panel, _), answer) in world.ask(questions(panels, &cluster, &choice)).await {
                answers.entry(panel).or_default().push(answer);
            }
            for (number, answers) in answers {
                let points = usize::try_from(SHOWN).unwrap() + 1;
                let is_late = |answer: &Answer| (2..points).contains(&answer.values.len());
                begun += usize::from(answers.iter().flatten().flatten().any(is_late));
                if faults::has_stray_zero(&answers) {
                    let Panel { board, title, .. } = &panels[number];
                    writeln!(found, "{} | {board} | {title} | a stray zero", cluster.name).unwrap();
                }
            }
        }
    }
    // The check is meaningless unless some series begin.
    assert!(begun > 50, "{begun} panels with series that begin");
    found
}

/// Faults of the variables: one that offers nothing, and nodes that a panel does not know.
async fn choices(world: &World, panels: &[Panel]) -> String {
    let mut found = String::new();
    for profile in Profile::ALL {
        let cluster = Cluster::steady(profile, Act::Chaos);
        let end = cluster.end_secs();
        for variable in boards::variables() {
            let selector = Choice::of(&cluster.name).fill(&variable.selector);
            let range = (end - RANGE_SECS, end);
            let offered = world.prometheus.label_values(&selector, &variable.label, range).await;
            let values: BTreeSet<&str> =
                offered.iter().filter_map(|value| variable.value(value)).collect();
            let expected = match variable.name.as_str() {
                "cluster" => cluster.name.as_str(),
                "namespace" => "pets",
                "workload" => "store-front",
                "pod" => "store-front-7d8f9c6b5-x2lqk",
                _ => "",
            };
            let (name, board) = (profile.name(), &variable.board);
            if !values.iter().any(|value| value.starts_with(expected)) {
                writeln!(
                    found,
                    "{name} | {board} | ${} does not offer {expected:?}",
                    variable.name
                )
                .unwrap();
            }
            if variable.name == "node" {
                let panels: Vec<Panel> =
                    panels.iter().filter(|panel| panel.board == *board).cloned().collect();
                let all = drawn(world, &panels, &cluster, &[Choice::of(&cluster.name)]).await;
                let each: Vec<Choice> =
                    values.iter().map(|node| Choice::of(&cluster.name).and("node", node)).collect();
                let some = drawn(world, &panels, &cluster, &each).await;
                for lost in all.difference(&some) {
                    let title = &panels[*lost].title;
                    writeln!(found, "{name} | {board} | {title} | empty for each $node").unwrap();
                }
            }
        }
    }
    found
}

/// The panels that draw anything under any of some choices, by number.
async fn drawn(
    world: &World,
    panels: &[Panel],
    cluster: &Cluster,
    choices: &[Choice],
) -> BTreeSet<usize> {
    let mut asked = vec![];
    for (which, choice) in choices.iter().enumerate() {
        for ((panel, query), expr, at) in questions(panels, cluster, choice) {
            asked.push(((panel, query, which), expr, at));
        }
    }
    let answers = world.ask(asked).await;
    answers
        .into_iter()
        .filter(|(_, answer)| answer.as_ref().is_ok_and(|series| !series.is_empty()))
        .map(|((panel, ..), _)| panel)
        .collect()
}

/// Links whose flows differ from the counted ones, on profiles whose metrics name pods.
async fn links(world: &World, panels: &[Panel]) -> String {
    let (mut found, mut compared) = (String::new(), 0);
    for act in Act::ALL {
        let mut recorded = links::Recorded::read(act);
        for profile in [Profile::Acns, Profile::All] {
            let cluster = Cluster::steady(profile, act);
            for chosen in links::CHOSEN {
                let choice =
                    chosen.0.iter().fold(Choice::of(&cluster.name), |choice, (name, value)| {
                        choice.and(name, value)
                    });
                let mut asked = questions(panels, &cluster, &choice);
                asked.retain(|((panel, query), ..)| {
                    let panel = &panels[*panel];
                    !panel.links.is_empty()
                        && links::events(&panel.queries[*query], &panel.unit, 0.0).is_some()
                });
                // Only the last point of a line is compared.
                for (_, _, at) in &mut asked {
                    *at = At::Instant(cluster.end_secs());
                }
                for ((panel, query), answer) in world.ask(asked).await {
                    let panel = &panels[panel];
                    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", panel.title));
                    for series in answer {
                        let Some(events) = series.values.last().and_then(|last| {
                            links::events(&panel.queries[query], &panel.unit, *last)
                        }) else {
                            continue;
                        };
                        for link in &panel.links {
                            let Some(fault) = links::fault(
                                link,
                                query,
                                &series.labels,
                                chosen,
                                events,
                                &mut recorded,
                                &mut compared,
                            ) else {
                                continue;
                            };
                            let (name, act) = (profile.name(), act.name());
                            let Panel { board, title, .. } = panel;
                            writeln!(found, "{name} | {act} | {board} | {title} | {fault}")
                                .unwrap();
                        }
                    }
                }
            }
        }
    }
    // A suite without links would find no faults.
    assert!(compared > 1_000, "{compared} links compared");
    found
}
