use super::flows::mixed;
use super::table;
use crate::captions::TextColumn;
use crate::table::Table;
use crate::view::{Column, View, ViewSpec};

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

fn spec(text: &str) -> ViewSpec<'_> {
    ViewSpec {
        text,
        columns: ALL,
        verdicts: &[],
        agreements: &[],
        sort: Column::Time,
        descending: true,
    }
}

fn rows(table: &Table, spec: &ViewSpec<'_>) -> Vec<u32> {
    View::new(&table.flows, &table.captions, spec).rows
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

    let only_source = ViewSpec { columns: &[Column::Text(TextColumn::Source)], ..spec("github") };
    assert_eq!(rows(&table, &only_source), [0; 0], "a match that is not shown does not count");
    let no_columns = ViewSpec { columns: &[], ..spec("store") };
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
    let check = |text: &str, verdicts: &[u32], shown: usize, counts: &[(u32, u32)]| {
        let view = View::new(&table.flows, &table.captions, &ViewSpec { verdicts, ..spec(text) });
        assert_eq!(view.rows.len(), shown, "`{text}` {verdicts:?}");
        assert_eq!(view.verdict_counts, counts, "`{text}` {verdicts:?}");
    };
    let all = [(forwarded, 7), (dropped, 3), (code(3), 1), (code(10), 1), (code(11), 1)];
    check("", &[], 13, &all);
    check("", &[dropped], 3, &all);
    check("", &[dropped, forwarded], 10, &all);
    check("", &[u32::MAX], 0, &all);
    check("github", &[forwarded], 0, &[(dropped, 1), (code(3), 1)]);
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
    let rows_of = |table: &Table, agreements: &[u32]| {
        let spec = ViewSpec { agreements, ..spec("") };
        let view = View::new(&table.flows, &table.captions, &spec);
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
    assert_eq!(rows_of(&table, &[code(1)]), (3, counts.clone()));
    assert_eq!(rows_of(&table, &[code(0), code(1)]), (4, counts.clone()));
    assert_eq!(rows_of(&table, &[u32::MAX]), (0, counts));
    let decided = [Column::Text(TextColumn::DecidedBy)];
    assert_eq!(rows(&table, &ViewSpec { columns: &decided, ..spec("a rule") }).len(), 13);
    // Other policies: the columns are replaced.
    table.captions.set_judged([vec![0; 13], vec![0; 13], vec![0; 13]]);
    assert_eq!(rows_of(&table, &[]), (13, Vec::new()));
}
