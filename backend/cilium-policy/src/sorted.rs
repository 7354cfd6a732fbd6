//! Small sorting functions. In the browser's module, the standard library's sorts take 3 KB for
//! every type, and its ordered maps 10 KB.

use std::cmp::Ordering;

/// Sorts in place, in time n log n for any input; equal items may change places.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts by a comparison, like [`sort`].
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for root in (0..items.len() / 2).rev() {
        sift(items, root, items.len(), &compare);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sift(items, 0, end, &compare);
    }
}

/// Moves an item down in the heap that ends before `end`.
fn sift<T>(items: &mut [T], mut root: usize, end: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    let cmp = |items: &[T], one: usize, other: usize| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    };
    loop {
        let mut child = 2 * root + 1;
        if child >= end {
            return;
        }
        if child + 1 < end && cmp(items, child, child + 1) == Ordering::Less {
            child += 1;
        }
        if cmp(items, root, child) != Ordering::Less {
            return;
        }
        items.swap(root, child);
        root = child;
    }
}

/// Changes the value of a key in a list sorted by key; a new key starts with the default. A new key
/// moves the items after it, which suits the hundreds of keys in one answer.
pub fn update<K: Ord, V: Default>(items: &mut Vec<(K, V)>, key: K, change: impl FnOnce(&mut V)) {
    let at = items.binary_search_by(|(own, _)| own.cmp(&key)).unwrap_or_else(|at| {
        items.insert(at, (key, V::default()));
        at
    });
    if let Some((_, value)) = items.get_mut(at) {
        change(value);
    }
}

/// The distinct items in their order, each with the sum of its counts.
pub fn counted<T: Ord>(mut items: Vec<(T, u64)>) -> Vec<(T, u64)> {
    sort(&mut items);
    let mut counted: Vec<(T, u64)> = Vec::new();
    for (item, weight) in items {
        match counted.last_mut() {
            Some((last, count)) if *last == item => *count = count.saturating_add(weight),
            _ => counted.push((item, weight)),
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts(mut items in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut expect = items.clone();
            expect.sort_unstable();
            super::sort(&mut items);
            prop_assert_eq!(items, expect);
        }

        #[test]
        fn it_counts_as_an_ordered_map_does(
            items in prop::collection::vec((0_u8..9, 0_u64..5), 0..64)
        ) {
            let mut expect: BTreeMap<u8, u64> = BTreeMap::new();
            let mut updated = Vec::new();
            for (item, weight) in &items {
                *expect.entry(*item).or_default() += weight;
                super::update(&mut updated, *item, |count: &mut u64| *count += weight);
            }
            let expect: Vec<(u8, u64)> = expect.into_iter().collect();
            prop_assert_eq!(&updated, &expect);
            prop_assert_eq!(super::counted(items), expect);
        }
    }
}
