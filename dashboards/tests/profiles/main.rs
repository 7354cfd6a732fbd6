//! Every panel, variable and rule on every profile, evaluated by a real Prometheus over acts of the
//! pet shop whose flows are known.
//!
//! `flows` and `series` read `tests/vectors/metrics`, `retina` and `cluster` count what was not
//! recorded, `profile` says what a scrape makes of it, `timeline` plays the acts over and over, and
//! `faults` says what is wrong.
#![expect(
    clippy::expect_used,
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
use expected::Whose;
use faults::Answers;
use flows::{Act, Flow};
use profile::{Families, Profile};
use prometheus::{Answer, At, Prometheus};
use series::Series;
use timeline::{Cluster, PERIOD_SECS, RANGE_SECS, SHOWN};

/// Questions at once.
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

    /// What a panel has to show of each act, where that is counted.
    fn counts(&self, panel: &Panel, profile: Profile, whose: Whose) -> Vec<(Act, f64)> {
        self.flows
            .iter()
            .filter(|(act, _)| faults::can_tell(panel, &self.families[&(profile, **act)]))
            .filter_map(|(act, flows)| Some((*act, expected::count(panel, profile, flows, whose)?)))
            .collect()
    }

    /// The answers of many questions, under the same keys.
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

/// Where a panel asks, for the range that ends with the cluster's last round.
fn at(query: &Query, end: i64) -> At {
    if query.is_instant {
        At::Instant(end)
    } else {
        At::Range { start: end - SHOWN * PERIOD_SECS, end, step: PERIOD_SECS }
    }
}

/// What panels ask in a cluster under a choice, by the numbers of panel and query.
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
async fn panels_are_true_on_every_profile() {
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
            let counts = world.counts(panel, profile, Whose::All);
            for (act, count) in &counts {
                let shown = expected::shown(panel, profile, &answers[act]).unwrap_or_default();
                if (shown - count).abs() > 0.01 {
                    faults.push(format!("{}: {shown:.1}, counted {count}", act.name()));
                }
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
    // What has the general checks alone: a number, no error, a share within 0 to 1, a sentence.
    let titles = |panel: &Panel| format!("{} | {}", panel.board, panel.title);
    let with_counts: BTreeSet<String> = counted
        .lines()
        .map(|line| line.split(" | ").skip(1).take(2).collect::<Vec<_>>().join(" | "))
        .collect();
    let uncounted: BTreeSet<String> =
        panels.iter().map(titles).filter(|title| !with_counts.contains(title)).collect();
    let uncounted: Vec<String> = uncounted.into_iter().collect();
    insta::assert_snapshot!("uncounted", uncounted.join("\n"));
    insta::assert_snapshot!("counted", counted);
    assert!(found.is_empty(), "{found}");
    let found = chosen(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let found = choices(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let found = links(&world, &panels).await;
    assert!(found.is_empty(), "{found}");
    let faults = rules::faults(&world).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong where a namespace and a workload are chosen.
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
                let counts = world.counts(panel, profile, whose);
                let Some((_, count)) = counts.iter().find(|(of, _)| *of == act) else { continue };
                let shown = expected::shown(panel, profile, &answers[&number]);
                let is_right = match shown {
                    Some(shown) => (shown - count).abs() <= 0.01,
                    // Other than a number, a graph may show nothing for nothing.
                    None => *count == 0.0 && panel.kind != "stat",
                };
                if !is_right {
                    let (name, board) = (&cluster.name, &panel.board);
                    writeln!(
                        found,
                        "{name} | {board} | {} | {shown:?}, counted {count}",
                        panel.title
                    )
                    .unwrap();
                }
            }
        }
    }
    found
}

/// What is wrong with the variables: one that offers nothing, and nodes that a panel of theirs does
/// not know.
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

/// Links whose flows are not those that were counted, on the profiles whose metrics name pods.
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
                // The last point of a line is all that is compared.
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
    // A suite that finds no links would find no faults.
    assert!(compared > 1_000, "{compared} links compared");
    found
}
