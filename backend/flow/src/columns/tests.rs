use super::*;
use proptest::prelude::*;

fn row(time_nanos: i64, source_pod: &'static str) -> FlowRow<'static> {
    FlowRow { time_nanos, source_pod: source_pod.as_bytes(), ..FlowRow::default() }
}

fn table(rows: &[FlowRow<'_>]) -> FlowColumns {
    let mut columns = FlowColumns::default();
    for row in rows {
        columns.append(row, &RowLists::default()).unwrap();
    }
    columns
}

fn joined(items: &[&str]) -> String {
    let mut list = JoinedList::default();
    for item in items {
        list.push(item.as_bytes());
    }
    String::from_utf8(list.as_bytes().to_vec()).unwrap()
}

#[test]
fn every_column_has_its_own_bit_and_name() {
    assert!(Column::ALL.len() <= 128, "a ColumnSet has 128 bits");
    let mut names = std::collections::BTreeSet::new();
    let mut set = ColumnSet::EMPTY;
    for &column in Column::ALL {
        assert!(!set.contains(column), "{column:?} shares a bit");
        set = set.with(column);
        assert!(names.insert(column.name()), "{column:?} shares a name");
        assert!(!set.without(column).contains(column));
    }
}

#[test]
fn texts_share_one_dictionary() {
    let columns = table(&[
        FlowRow { source_pod: b"a", destination_pod: b"b", ..FlowRow::default() },
        FlowRow { source_pod: b"b", destination_pod: b"a", ..FlowRow::default() },
        FlowRow { source_pod: b"", destination_pod: b"a", ..FlowRow::default() },
    ]);
    assert_eq!(columns.source_pod(), [1, 2, ABSENT]);
    assert_eq!(columns.destination_pod(), [2, 1, 1]);
    assert_eq!(columns.dictionary().iter().collect::<Vec<_>>(), ["", "a", "b"]);
    assert_eq!(columns.text(2), "b");
    assert_eq!(columns.text(99), "");
    assert_eq!(columns.dictionary().get(99), None);
}

#[test]
fn only_the_wanted_columns_stay() {
    let full = FlowRow { verdict: 2, is_reply: 1, source_pod: b"a", uuid: b"u", ..row(5, "a") };
    let mut lists = RowLists::default();
    lists.source_labels.push(b"a");
    let only = |columns| {
        let mut row = full;
        row.keep_only(columns);
        row
    };
    assert_eq!(only(ColumnSet::ALL), full);
    assert_eq!(only(ColumnSet::EMPTY), FlowRow::default());
    let some = ColumnSet::of(&[Column::Verdict, Column::Uuid]);
    assert_eq!(only(some), FlowRow { verdict: 2, uuid: b"u", ..FlowRow::default() });
    lists.keep_only(ColumnSet::of(&[Column::SourceLabels]));
    assert_ne!(lists, RowLists::default());
    lists.keep_only(ColumnSet::EMPTY);
    assert_eq!(lists, RowLists::default());
}

#[test]
fn newest_first_is_stable_and_puts_timeless_flows_last() {
    let columns = table(&[
        row(5, "a"),
        row(NO_TIME, "b"),
        row(9, "c"),
        row(5, "d"),
        row(i64::MAX, "e"),
        row(-1, "f"),
    ]);
    let order: String = columns
        .newest_first()
        .into_iter()
        .map(|row| columns.text(columns.source_pod()[row as usize]))
        .collect();
    assert_eq!(order, "ecadfb");
    assert!(FlowColumns::default().newest_first().is_empty());
}

#[test]
fn a_row_that_does_not_fit_leaves_nothing_behind() {
    let mut columns = FlowColumns::new(ColumnLimits { max_flows: 2, max_text_bytes: 8 });
    columns.append(&row(1, "pod-a"), &RowLists::default()).unwrap();
    let before = columns.dictionary().text().to_owned();

    let two_texts =
        FlowRow { source_pod: b"b", destination_pod: b"too long", ..FlowRow::default() };
    assert_eq!(
        columns.append(&two_texts, &RowLists::default()),
        Err(ColumnsFull::Text { max_text_bytes: 8 })
    );
    assert_eq!((columns.len(), columns.dictionary().text()), (1, before.as_str()));
    assert_eq!(columns.dictionary().len(), 2);

    let long_uuid = FlowRow { uuid: b"0123456789", ..FlowRow::default() };
    assert_eq!(
        columns.append(&long_uuid, &RowLists::default()),
        Err(ColumnsFull::Text { max_text_bytes: 8 })
    );

    // The next row does not find a code of the refused row either.
    let mut next = columns.clone();
    next.append(&FlowRow::default(), &RowLists::default()).unwrap();
    assert_eq!((next.source_pod(), next.destination_pod()), (&[1, ABSENT][..], &[ABSENT; 2][..]));

    // The text that was rolled back can be added again, under the same code.
    columns
        .append(&FlowRow { source_pod: b"b", ..FlowRow::default() }, &RowLists::default())
        .unwrap();
    assert_eq!(columns.source_pod(), [1, 2]);
    assert_eq!(
        columns.append(&row(3, ""), &RowLists::default()),
        Err(ColumnsFull::Flows { max_flows: 2 })
    );
    assert_eq!((columns.source_labels().len(), columns.verdict().len()), (2, 2));
}

#[test]
fn columns_that_are_left_out_take_no_room() {
    let mut columns = FlowColumns::only(
        ColumnSet::of(&[Column::SourcePod, Column::DestinationPod]),
        ColumnLimits { max_flows: 3, ..ColumnLimits::default() },
    );
    columns.reserve(2);
    for number in 0..3 {
        columns.append(&row(number, "a"), &RowLists::default()).unwrap();
    }
    assert_eq!(columns.source_pod(), [1; 3]);
    assert_eq!(columns.time_nanos(), [0, 1, 2]);
    assert_eq!(columns.verdict(), [0; 0]);
    assert_eq!(columns.destination_pod(), [0; 0], "nothing was written");
    assert_eq!(columns.source_labels(), [0; 0]);
    columns.reserve(usize::MAX);
    assert!(columns.append(&row(3, "a"), &RowLists::default()).is_err());
}

#[test]
fn columns_grow_in_any_state() {
    let numbers = 0..1_000_i64;
    // Columns that are empty in the first rows, filled in every row, and filled only in the last
    // row.
    let row = |number: i64| FlowRow {
        time_nanos: if number < 700 { NO_TIME } else { number },
        verdict: 1 + i32::try_from(number).unwrap(),
        is_reply: if number == 999 { 1 } else { REPLY_UNKNOWN },
        source_pod: if number < 700 { b"" } else { b"a" },
        ..FlowRow::default()
    };
    let columns = table(&numbers.clone().map(row).collect::<Vec<_>>());
    assert_eq!(columns.len(), 1_000);
    let of_row = |at: usize| {
        let codes = (columns.source_pod()[at], columns.source_labels()[at]);
        (columns.time_nanos()[at], columns.verdict()[at], columns.is_reply()[at], codes)
    };
    for (at, number) in numbers.enumerate() {
        let row = row(number);
        let codes = (u32::from(number >= 700), ABSENT);
        assert_eq!(of_row(at), (row.time_nanos, row.verdict, row.is_reply, codes), "row {at}");
    }
    assert_eq!(columns.encrypted(), [0; 1_000]);
    assert_eq!(columns.uuid().get(999), Some(""));
}

#[test]
fn bad_bytes_are_shown_and_share_a_code() {
    let mut columns = FlowColumns::default();
    for _ in 0..2 {
        let row = FlowRow { dns_query: b"a\xffb", uuid: b"\xff", ..FlowRow::default() };
        columns.append(&row, &RowLists::default()).unwrap();
        columns.append(&FlowRow::default(), &RowLists::default()).unwrap();
    }
    assert_eq!(columns.dns_query(), [1, 0, 1, 0]);
    assert_eq!(columns.text(1), "a\u{fffd}b");
    assert_eq!(columns.uuid().get(2), Some("\u{fffd}"));
    assert_eq!(columns.uuid().get(3), Some(""));
    assert_eq!(columns.uuid().get(4), None);
}

#[test]
fn policies_and_workloads_split_again() {
    let mut lists = RowLists::default();
    for part in
        ["CiliumNetworkPolicy", "pets", "allow", "CiliumClusterwideNetworkPolicy", "", "deny"]
    {
        lists.egress_denied_by.push(part.as_bytes());
    }
    for part in ["store-front", "Deployment"] {
        lists.source_workloads.push(part.as_bytes());
    }
    let mut columns = FlowColumns::default();
    columns.append(&FlowRow::default(), &lists).unwrap();
    let policies: Vec<_> = columns.policies(columns.egress_denied_by()[0]).collect();
    assert_eq!(policies.len(), 2);
    assert_eq!((&*policies[0].namespace, &*policies[0].name), ("pets", "allow"));
    assert_eq!(
        (&*policies[1].kind, &*policies[1].namespace),
        ("CiliumClusterwideNetworkPolicy", "")
    );
    let workloads: Vec<_> = columns.workloads(columns.source_workloads()[0]).collect();
    assert_eq!((&*workloads[0].name, &*workloads[0].kind), ("store-front", "Deployment"));
    assert_eq!(columns.policies(ABSENT).count(), 0);
}

#[test]
fn an_empty_item_is_an_item() {
    assert_eq!(split(&joined(&[])).count(), 0);
    assert_eq!(split(&joined(&[""])).count(), 1);
    assert_eq!(split(&joined(&["", ""])).count(), 2);
}

proptest! {
    #[test]
    fn a_list_splits_into_what_was_joined(
        items in proptest::collection::vec("[a-z\u{1b}\u{1f}uüe]{0,6}", 0..6)
    ) {
        let refs: Vec<&str> = items.iter().map(String::as_str).collect();
        let text = joined(&refs);
        prop_assert_eq!(split(&text).collect::<Vec<_>>(), items);
    }

    #[test]
    fn a_dictionary_gives_back_what_it_was_given(
        texts in proptest::collection::vec("[a-d]{0,3}", 0..200),
        keep in 0..200usize,
    ) {
        let mut dictionary = Dictionary::new(1 << 20);
        let mut mark = dictionary.mark();
        let mut kept = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            if at == keep {
                mark = dictionary.mark();
                kept = dictionary.iter().map(str::to_owned).collect();
            }
            let code = dictionary.intern(text.as_bytes()).unwrap();
            prop_assert_eq!(dictionary.get(code), Some(text.as_str()));
            prop_assert_eq!(dictionary.intern(text.as_bytes()), Ok(code));
        }
        if keep < texts.len() {
            dictionary.take_back(mark);
            prop_assert_eq!(dictionary.iter().collect::<Vec<_>>(), kept);
            for (at, text) in texts.iter().enumerate() {
                let code = dictionary.intern(text.as_bytes()).unwrap();
                prop_assert_eq!(dictionary.get(code), Some(text.as_str()), "text {}", at);
            }
        }
    }
}
