//! The judgement of an answer: right, refused in words, or wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::Duration;

use budget::{Busy, OutOfMemory};
use plugin_protocol::{DataResponse, Status};
use test_kit::frame::Frame;

/// The judgement of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Frames that can be read, without an error.
    Right,
    /// An error in a sentence of the budget.
    Refused(String),
    /// Anything else.
    Wrong(String),
}

/// Words between the name of a gate and the rest of its refusal.
const IS_BUSY: &str = " is busy: ";

/// The budget's refusals, each as [`plain`] writes it; those of gates without the gate's name.
static REFUSALS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let waited = Duration::from_secs(10);
    let gave_up = |waiting| Busy::GaveUp { gate: "a gate".into(), waiting, waited }.to_string();
    let full = |waiting| Busy::QueueFull { gate: "a gate".into(), waiting }.to_string();
    let memory = OutOfMemory { held_bytes: 1, limit_bytes: 2 }.to_string();
    let texts = [gave_up(0), gave_up(1), gave_up(2), full(1), full(2), memory];
    texts.iter().map(|text| plain(without_gate(text))).collect()
});

fn without_gate(text: &str) -> &str {
    text.split_once(IS_BUSY).map_or(text, |(_, rest)| rest)
}

/// A text with `N` for each number, so that equal sentences are equal.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            plain.push(c);
        } else if !plain.ends_with('N') {
            plain.push('N');
        }
    }
    plain
}

/// The judgement of an error's text.
pub(crate) fn of_error(text: &str) -> Outcome {
    if REFUSALS.contains(&plain(without_gate(text))) {
        Outcome::Refused(plain(text))
    } else {
        Outcome::Wrong(text.to_owned())
    }
}

/// The judgement of a health report, which tells of the relay and of Prometheus in one text.
pub(crate) fn of_health(is_healthy: bool, text: &str) -> Outcome {
    let plain = plain(text);
    if is_healthy {
        Outcome::Right
    } else if REFUSALS.iter().any(|refusal| plain.contains(refusal)) {
        Outcome::Refused("a part was refused".to_owned())
    } else {
        Outcome::Wrong(text.to_owned())
    }
}

/// A check of an answer's frames; the error says what is wrong.
pub(crate) type Check = fn(&[Frame]) -> Result<(), String>;

/// The judgement of a query's answer. `check`, if there is one, looks at the frames.
pub(crate) fn of_response(response: &DataResponse, check: Option<Check>) -> Outcome {
    if !response.error.is_empty() {
        return of_error(&response.error);
    }
    if response.status != 200 {
        return Outcome::Wrong(format!("status {} without an error", response.status));
    }
    if response.frames.is_empty() {
        return Outcome::Wrong("no frames and no error".to_owned());
    }
    // The reader panics on what is not a frame; the hook prints its reason.
    let read = || response.frames.iter().map(|frame| Frame::read(frame)).collect::<Vec<_>>();
    let Ok(frames) = catch_unwind(AssertUnwindSafe(read)) else {
        return Outcome::Wrong("a frame cannot be read".to_owned());
    };
    let notices = frames.iter().flat_map(Frame::notices);
    if let Some(error) = notices.into_iter().find(|notice| notice.starts_with("error: ")) {
        return Outcome::Wrong(error);
    }
    let checked = check.map_or(Ok(()), |check| check(&frames));
    checked.map_or_else(Outcome::Wrong, |()| Outcome::Right)
}

/// The judgement of a call that failed as a whole.
pub(crate) fn of_status(status: &Status) -> Outcome {
    of_error(status.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sentences_of_the_budget_are_refusals() {
        let check = |text: &str, refused: Option<&str>| match (of_error(text), refused) {
            (Outcome::Refused(sentence), Some(expected)) => assert_eq!(sentence, expected),
            (Outcome::Wrong(found), None) => assert_eq!(found, text),
            (outcome, _) => panic!("{text}: {outcome:?}"),
        };
        check(
            "the relay is busy: 14 queries wait, and this query gave up after 10 s; try again, or show fewer panels at once",
            Some(
                "the relay is busy: N queries wait, and this query gave up after N s; try again, or show fewer panels at once",
            ),
        );
        check(
            "Prometheus is busy: 5000 queries wait, which is the limit; try again, or show fewer panels at once",
            Some(
                "Prometheus is busy: N queries wait, which is the limit; try again, or show fewer panels at once",
            ),
        );
        let memory = OutOfMemory { held_bytes: 170 << 20, limit_bytes: 170 << 20 }.to_string();
        assert!(matches!(of_error(&memory), Outcome::Refused(_)));
        let health = format!("Hubble Relay: 3 of 3 nodes. Prometheus: {memory}.");
        assert!(matches!(of_health(false, &health), Outcome::Refused(_)));
        assert_eq!(of_health(true, &health), Outcome::Right);
        assert!(matches!(of_health(false, "Prometheus: refused"), Outcome::Wrong(_)));
        check("no answer from the relay within 30 s", None);
        check("the relay is busy: it is", None);
        check("", None);
    }
}
