//! Bench of a million recorded flows that are judged again after an edit of the policies.

use std::hint::black_box;

use cilium_policy::{Dates, Judge, Settings, SourceText};
use flow::Flow;
use hubble_verdict::{JudgeFlows, Prepared, Review};
use instructions::cluster::{WORKLOADS, flow, policies};

use crate::measure::{race, rounds};
use crate::report::{BenchReport, Goal, Measurement};

const FLOWS: u32 = 1_000_000;
const ROUNDS: usize = 5;

/// Measures judging after an edit beside judging every flow separately.
pub(super) fn run(report: &mut BenchReport) {
    let flows: Vec<Flow> = (0..FLOWS).map(flow).collect();
    let settings = Settings::default();
    let text = policies(WORKLOADS, "8080");
    let texts = [SourceText { index: 0, text: &text }];
    let review = Review::under(&texts, settings.clone(), &Dates::default(), &flows);
    let (learned, prepared) = (review.learned(), review.prepared());
    let ready = rounds(2, || {
        black_box(Prepared::of(&flows, learned, &settings));
    });
    report
        .add(Measurement::milliseconds(format!("{FLOWS} recorded flows made ready, once"), &ready));
    let raced = race(
        ROUNDS,
        || {
            black_box(prepared.judge(&Judge::read(&texts, settings.clone())));
        },
        || {
            let judge = Judge::read(&texts, settings.clone());
            for flow in &flows {
                let _summary = black_box(judge.judge_flow(flow, learned));
            }
        },
    );
    report.add(
        Measurement::milliseconds_race(
            format!(
                "{FLOWS} flows ({} distinct) judged after an edit, reading included",
                prepared.questions()
            ),
            &raced,
            "every flow separately",
        )
        .goal(Goal::AtMost(1000.0)),
    );
}
