use super::flows::{mixed, records_of_two_packets};
use super::table;
use crate::captions::TextColumn;
use crate::table::Table;
use crate::view::{View, ViewCache};
use crate::view_spec::{CellCondition, Column, GroupSort, ViewSpec};

const ALL: &[Column] = &[
    Column::Time,
    Column::SourcePort,
    Column::DestinationPort,
    Column::Text(TextColumn::Verdict),
    Column::Text(TextColumn::Source),
    Column::Text(TextColumn::Destination),
    Column::Text(TextColumn::Summary),
    Column::Text(TextColumn::Policy),
];

fn spec(text: &str) -> ViewSpec {
    ViewSpec {
        text: text.to_owned(),
        columns: ALL.to_vec(),
        verdicts: Vec::new(),
        agreements: Vec::new(),
        conditions: Vec::new(),
        fold: false,
        group_by: Vec::new(),
        group_sort: GroupSort::Flows,
        sort: Column::Time,
        descending: true,
    }
}

fn view(table: &Table, spec: &ViewSpec) -> View {
    View::new(table, &mut ViewCache::default(), spec)
}

fn rows(table: &Table, spec: &ViewSpec) -> Vec<u32> {
    view(table, spec).rows
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn words_are_looked_for_in_the_columns_shown() {
    let table = table(&mixed());
    let check = |text: &str, expected: &[u32]| {
        assert_eq!(rows(&table, &spec(text)), expected, "`{text}`");
    };
    check("github", &[4, 3]);
    check("GitHub REFUSED", &[4]);
    check("  dropped   store-front ", &[8, 1]);
    check("443", &[8, 7]);
    // Part of an address, not of port 443.
    check("44", &[9]);
    check("nowhere", &[]);
    check("allow-store", &[1]);
    check("10.244", &[9]);

    let only_source =
        ViewSpec { columns: vec![Column::Text(TextColumn::Source)], ..spec("github") };
    assert_eq!(rows(&table, &only_source), [0; 0], "a match that is not shown does not count");
    let no_columns = ViewSpec { columns: Vec::new(), ..spec("store") };
    assert_eq!(rows(&table, &no_columns), [0; 0]);
}

#[test]
fn rows_stand_in_the_order_asked_for() {
    let table = table(&mixed());
    let check = |sort: Column, descending: bool, expected: &[u32]| {
        let spec = ViewSpec { sort, descending, ..spec("") };
        assert_eq!(rows(&table, &spec), expected, "{sort:?} {descending}");
    };
    check(Column::Time, true, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 12]);
    check(Column::Time, false, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    // Equal ports newest first, flows without a port last.
    check(Column::DestinationPort, false, &[5, 4, 3, 8, 7, 11, 10, 6, 1, 0, 2, 9, 12]);
    check(Column::DestinationPort, true, &[2, 11, 10, 6, 1, 0, 8, 7, 5, 4, 3, 9, 12]);
    check(Column::Text(TextColumn::DropReason), false, &[10, 8, 1, 11, 9, 7, 6, 5, 4, 3, 2, 0, 12]);
    check(Column::Text(TextColumn::DropReason), true, &[8, 1, 10, 11, 9, 7, 6, 5, 4, 3, 2, 0, 12]);
}

#[test]
fn verdicts_are_counted_before_they_are_hidden() {
    let table = table(&mixed());
    let code = |row: usize| table.captions.codes(TextColumn::Verdict)[row];
    let (forwarded, dropped) = (code(0), code(1));
    let check = |text: &str, verdicts: &[&str], shown: usize, counts: &[(u32, u32)]| {
        let view = view(&table, &ViewSpec { verdicts: texts(verdicts), ..spec(text) });
        assert_eq!(view.rows.len(), shown, "`{text}` {verdicts:?}");
        assert_eq!(view.verdict_counts, counts, "`{text}` {verdicts:?}");
    };
    let all = [(forwarded, 7), (dropped, 3), (code(3), 1), (code(10), 1), (code(11), 1)];
    check("", &[], 13, &all);
    check("", &["DROPPED"], 3, &all);
    check("", &["DROPPED", "FORWARDED"], 10, &all);
    check("", &["none of these"], 0, &all);
    check("github", &["FORWARDED"], 0, &[(dropped, 1), (code(3), 1)]);
}

#[test]
fn names_lead_to_columns() {
    for column in TextColumn::all() {
        assert_eq!(Column::from_name(column.name()), Some(Column::Text(column)));
    }
    assert_eq!(Column::from_name("time"), Some(Column::Time));
    assert_eq!(Column::from_name("destinationPort"), Some(Column::DestinationPort));
    assert_eq!(Column::from_name("Verdict"), None);
}

#[cfg(feature = "policies")]
#[test]
fn what_policies_say_is_looked_for_sorted_and_counted() {
    let mut table = table(&mixed());
    let rows_of = |table: &Table, agreements: &[&str]| {
        let view = view(table, &ViewSpec { agreements: texts(agreements), ..spec("") });
        (view.rows.len(), view.agreement_counts)
    };
    assert_eq!(rows_of(&table, &[]), (13, Vec::new()), "without verdicts");
    let mut code_of = |text: &str| table.captions.intern(text).unwrap();
    let (agrees, differs) = (code_of("agrees"), code_of("differs"));
    let rule = code_of("a rule");
    let agreement: Vec<u32> = std::iter::repeat_n(agrees, 4).chain(vec![0; 9]).collect();
    let agreement = [&[differs], &agreement[1..]].concat();
    table.captions.set_judged([agreement.clone(), agreement, vec![rule; 13]]);
    let code = |row: usize| table.captions.codes(TextColumn::Agreement)[row];
    let counts = vec![(code(1), 3), (code(0), 1)];
    assert_eq!(rows_of(&table, &[]), (13, counts.clone()));
    assert_eq!(rows_of(&table, &["agrees"]), (3, counts.clone()));
    assert_eq!(rows_of(&table, &["differs", "agrees"]), (4, counts.clone()));
    assert_eq!(rows_of(&table, &["cannot tell"]), (0, counts));
    let columns = vec![Column::Text(TextColumn::DecidedBy)];
    assert_eq!(rows(&table, &ViewSpec { columns, ..spec("a rule") }).len(), 13);
    // Other policies: the columns are replaced.
    table.captions.set_judged([vec![0; 13], vec![0; 13], vec![0; 13]]);
    assert_eq!(rows_of(&table, &[]), (13, Vec::new()));
}

fn condition(column: &str, value: &str, excluded: bool) -> CellCondition {
    let column = Column::from_name(column).unwrap();
    CellCondition { column, value: value.to_owned(), excluded }
}

#[test]
fn conditions_are_on_whole_cells() {
    let table = table(&mixed());
    let check = |conditions: &[(&str, &str, bool)], expected: &[u32]| {
        let conditions =
            conditions.iter().map(|&(column, value, not)| condition(column, value, not));
        let spec = ViewSpec { conditions: conditions.collect(), ..spec("") };
        assert_eq!(rows(&table, &spec), expected, "{:?}", spec.conditions);
    };
    check(&[("verdict", "DROPPED", false)], &[8, 4, 1]);
    check(&[("verdict", "DROP", false)], &[]);
    check(&[("verdict", "DROPPED", false), ("verdict", "REDIRECTED", false)], &[8, 4, 3, 1]);
    check(&[("verdict", "DROPPED", false), ("destinationPort", "8080", false)], &[1]);
    check(&[("verdict", "FORWARDED", true), ("verdict", "DROPPED", true)], &[11, 10, 3]);
    check(&[("destinationPort", "", false)], &[9, 12]);
    check(&[("destinationPort", "http", false)], &[]);
    check(&[("destinationPort", "http", true)], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 12]);
    check(&[("dropReason", "", true)], &[10, 8, 1]);
}

#[test]
fn the_records_of_a_packet_are_one_row() {
    let table = table(&records_of_two_packets());
    let folded = view(&table, &ViewSpec { fold: true, ..spec("") });
    assert_eq!(folded.packet_ends.len(), 2, "{folded:?}");
    assert_eq!(folded.rows.len(), table.flows.len());
    assert_eq!(folded.all, 2);
    assert_eq!(folded.verdict_counts.iter().map(|&(_, packets)| packets).sum::<u32>(), 2);
    let all = view(&table, &spec(""));
    assert_eq!((all.packet_ends.len(), all.all as usize), (0, table.flows.len()));
    // A packet that is shown in part still counts once.
    let dropped = ViewSpec { fold: true, verdicts: texts(&["DROPPED"]), ..spec("") };
    let dropped = view(&table, &dropped);
    assert!(dropped.packet_ends.len() == 1 && dropped.all == 2, "{dropped:?}");
}

#[test]
fn packets_with_equal_cells_are_a_group() {
    let table = table(&mixed());
    let groups = |keys: &[&str], group_sort: GroupSort| {
        let group_by: Vec<Column> = keys.iter().filter_map(|key| Column::from_name(key)).collect();
        let spec = ViewSpec { group_by, group_sort, ..spec("") };
        let view = view(&table, &spec);
        let mut start = 0;
        let rows = view.groups.ends.iter().map(|&end| {
            let rows = view.rows[start as usize..end as usize].to_vec();
            start = end;
            rows
        });
        (rows.collect::<Vec<_>>(), view.groups)
    };
    let (rows, by_verdict) = groups(&["verdict"], GroupSort::Flows);
    assert_eq!(
        rows,
        [&[9, 7, 6, 5, 2, 0, 12][..], &[8, 4, 1], &[10], &[3], &[11]].map(<[u32]>::to_vec)
    );
    assert_eq!(by_verdict.dropped, [0, 3, 0, 0, 0]);
    assert_eq!(by_verdict.first_seen[1], table.flows.time_nanos()[1]);
    assert_eq!(by_verdict.last_seen[1], table.flows.time_nanos()[8]);
    assert_eq!(groups(&["verdict"], GroupSort::DropRatio).0[0], [8, 4, 1]);
    assert_eq!(groups(&["verdict"], GroupSort::LastSeen).0[0], [11]);
    let (rows, _) = groups(&["dropReason", "destinationPort"], GroupSort::Keys);
    assert_eq!(rows.concat().len(), 13);
    assert_eq!(rows.last().map(Vec::len), Some(2), "without a value in both: {rows:?}");
    let (rows, none) = groups(&[], GroupSort::Keys);
    assert!(rows.is_empty() && none.ends.is_empty());
}
