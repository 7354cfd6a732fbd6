//! The demo's flows, judged from their columns and from their messages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cilium_policy::{Dates, Settings};
use flow::Flow;
use hubble_api::packed::batches;
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_verdict::{Review, settings_from};
use prost::Message as _;

use super::super::explained::{Explanation, explained};
use super::super::policy_files::{PolicyFile, PolicyFiles, sources};
use super::{cells, value};
use crate::captions::TextColumn;
use crate::table::Table;

const NAMESPACE: &str = "namespace=pets";

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The sample that the demo's tests keep of an act.
fn sample(act: &str) -> Vec<u8> {
    fs::read(root(&format!("tests/vectors/packed/petshop-{act}.bin"))).unwrap()
}

/// The flows of a packed stream, each read from its message.
fn flows_of(stream: &[u8]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for batch in batches(stream) {
        for message in batch.unwrap().messages() {
            let response = GetFlowsResponse::decode(message.unwrap()).unwrap();
            let Some(ResponseTypes::Flow(flow)) = response.response_types else { continue };
            flows.push(Flow::try_from(flow).unwrap());
        }
    }
    flows
}

fn policies(manifests: &[&str]) -> PolicyFiles {
    let read = |name: &&str| {
        let text = fs::read_to_string(root("demo/manifests").join(name)).unwrap();
        PolicyFile { name: (*name).to_owned(), text, modified_ms: f64::NAN }
    };
    let files = manifests.iter().map(read).collect();
    PolicyFiles::new(files, &[NAMESPACE.to_owned()], f64::NAN).unwrap()
}

/// Verdicts and deciding lines that occurred.
#[derive(Debug, Default)]
struct Occurred {
    flows: usize,
    verdicts: BTreeSet<String>,
    /// Policy, clause and line of deciding rules.
    rules: BTreeSet<(String, String, u64)>,
}

/// Judges an act's flows by some manifests both ways: in the table from columns, and one by one from
/// messages, without classes of equal rows.
fn check(act: &str, manifests: &[&str], occurred: &mut Occurred) {
    let stream = sample(act);
    let mut policies = policies(manifests);
    let mut table = Table::new();
    table.append(&stream).unwrap();
    table.judge(&mut policies).unwrap();

    let flows = flows_of(&stream);
    let mut settings = settings_from(&flows, Settings::default());
    assert!(settings.set("namespace", "pets"));
    let texts = sources(&policies.files);
    let review = Review::under(&texts, settings, &Dates::default(), &flows);
    assert_eq!(review.set().refused(), &[], "{manifests:?}");
    let of_messages: Vec<_> = flows.iter().map(|flow| review.explain(flow)).collect();

    assert_eq!(table.flows.len(), flows.len());
    let columns = TextColumn::OF_POLICIES.map(|column| cells(&table, column));
    let row_cells = |row: usize| [0, 1, 2].map(|column: usize| columns[column][row].to_owned());
    let of_columns: Vec<[String; 3]> = (0..flows.len()).map(row_cells).collect();
    for (row, judgement) in (0..).zip(of_messages) {
        let at = format!("flow {row} of {act} under {manifests:?}");
        let cells = judgement.as_ref().map_or_else(
            |_| Default::default(),
            |own| {
                let cause = own.explanation.decision.cause.text(policies.set());
                [own.agreement.name().to_owned(), own.verdict.name().to_owned(), cause]
            },
        );
        assert_eq!(of_columns[row as usize], cells, "{at}");
        let of_message = value(&Explanation::of(&policies, judgement));
        let of_row = value(&explained(&mut table, &mut policies, row).unwrap());
        assert_eq!(of_row, of_message, "{at}");

        occurred.flows += 1;
        let [_, verdict, _] = cells;
        occurred.verdicts.insert(verdict);
        for rule in of_message["deciding"].as_array().unwrap() {
            let text = |key: &str| rule[key].as_str().unwrap().to_owned();
            let line = rule["line"].as_u64().unwrap();
            occurred.rules.insert((text("policy"), text("clause"), line));
        }
    }
}

#[test]
fn petshop_is_judged_from_columns_as_from_messages() {
    const RABBITMQ: &str = "allow-rabbitmq-traffic.yaml";
    const ORDERS: &str = "allow-order-service-traffic.yaml";
    const ORDERS_BY_NAME: &str = "fqdn/allow-order-service-traffic.yaml";
    const PRODUCTS: &str = "allow-product-service-traffic.yaml";
    const STORE: &str = "allow-store-front-traffic.yaml";
    const STORE_CLOSED: &str = "chaos/allow-store-front-traffic.yaml";
    const ADMIN: &str = "chaos/allow-store-admin-traffic.yaml";
    const COMBINED: &str = "combined/combined-fqdn-l7-policy.yaml";
    // Each act's own policies.
    let sets: [&[&str]; 5] = [
        &[],
        &[RABBITMQ, ORDERS, PRODUCTS, STORE],
        &[RABBITMQ, ORDERS_BY_NAME, PRODUCTS, STORE],
        &[RABBITMQ, ORDERS, PRODUCTS, ADMIN, STORE_CLOSED],
        &[COMBINED],
    ];
    let mut occurred = Occurred::default();
    for act in ["open", "policies", "fqdn", "chaos", "combined", "lab"] {
        for manifests in sets {
            check(act, manifests, &mut occurred);
        }
    }
    assert!(occurred.flows > 15_000, "{}", occurred.flows);
    assert!(
        occurred.verdicts.iter().eq(["", "allowed", "cannot tell", "denied"]),
        "{:?}",
        occurred.verdicts
    );
    assert!(occurred.rules.len() > 20, "{:#?}", occurred.rules);
}
