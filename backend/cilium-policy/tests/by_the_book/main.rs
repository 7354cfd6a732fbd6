//! The whole crate, from text to verdict, against a model that shares no line with it, over random
//! policies of every kind. `BY_THE_BOOK_SETS=100000` tries that many sets instead of a few.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken case fails the test")]

mod grammar;
mod model;

use std::sync::Arc;

use cilium_policy::{
    Direction, Enforcement, Identity, Judge, Label, NamedPorts, PolicySet, Settings, SourceText,
    Traffic, Verdict,
};
use grammar::{Dice, TRAFFIC};
use model::{Agent, Ask, Book, OwnLabel};

fn settings(agent: Agent) -> Settings {
    Settings {
        enforcement: match agent.mode {
            "always" => Enforcement::Always,
            "never" => Enforcement::Never,
            _ => Enforcement::Default,
        },
        allow_localhost: agent.allow_localhost,
        ipv6: agent.dual_stack,
        default_local_cluster: Some(true),
        host_firewall: agent.host_firewall,
        cidr_matches_nodes: agent.cidr_nodes,
        extended_ip_protocols: true,
        services_are_empty: true,
        api_server: false,
        ..Settings::default()
    }
}

fn identity(labels: &[OwnLabel], dual_stack: bool) -> Identity {
    let labels = labels.iter().map(|(source, key, value)| Label {
        key: key.clone(),
        value: value.clone(),
        source: source.clone(),
    });
    Identity::of_labels(labels, dual_stack)
}

/// Every direction between everybody, for one set of policies.
fn check(seed: u64) {
    let mut dice = Dice(seed);
    let agent = grammar::agent(&mut dice);
    let documents = grammar::documents(&mut dice);
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let sources: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let set = PolicySet::read(&sources, settings(agent));
    assert_eq!(set.refused(), &[], "seed {seed}\n{}", texts.join("\n"));
    let mut judge = Judge::new(Arc::new(set));
    let cast = grammar::cast(agent.dual_stack);
    let named =
        [("web".to_owned(), 6, 8080), ("dns".to_owned(), 17, 53), ("web".to_owned(), 17, 80)];
    let identities: Vec<Identity> =
        cast.iter().map(|labels| identity(labels, agent.dual_stack)).collect();
    let book = Book::of(&documents, agent);
    for (subject, own) in cast.iter().zip(&identities) {
        for (peer, other) in cast.iter().zip(&identities) {
            // All of the traffic for a few, some of it for each.
            let first = dice.below(TRAFFIC.len());
            for (protocol, port) in TRAFFIC.iter().cycle().skip(first).take(3).copied() {
                for is_ingress in [true, false] {
                    let ask = Ask { subject, peer, is_ingress, protocol, port, named: &named };
                    let expect = model::allows(&book, &ask);
                    let ours = judge.judge(
                        own,
                        other,
                        if is_ingress { Direction::Ingress } else { Direction::Egress },
                        Traffic::new(protocol, port),
                        NamedPorts::Known(&named),
                    );
                    let expect = if expect { Verdict::Allowed } else { Verdict::Denied };
                    assert_eq!(
                        ours.verdict,
                        expect,
                        "seed {seed} {agent:?}\nsubject {subject:?}\npeer {peer:?}\ningress {is_ingress} {protocol} {port}\n{ours:?}\n{}",
                        texts.join("\n")
                    );
                }
            }
        }
    }
}

#[test]
fn text_to_verdict_as_the_book_says() {
    let sets = std::env::var("BY_THE_BOOK_SETS").ok().and_then(|own| own.parse().ok());
    let from = std::env::var("BY_THE_BOOK_FROM").ok().and_then(|own| own.parse().ok());
    let from = from.unwrap_or(1_u64);
    for number in from..from + sets.unwrap_or(60_u64) {
        check(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    }
}
