//! Sorting, small: the standard library's sorts take 3 KB of the browser's module for every type.

use std::cmp::Ordering;

/// Sorts in place, in time n log n whatever the order; equal items may change places.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts by a comparison, as [`sort`].
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for root in (0..items.len() / 2).rev() {
        sift(items, root, items.len(), &compare);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sift(items, 0, end, &compare);
    }
}

/// Lets an item sink in the heap that ends before `end`.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts(mut items in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut expect = items.clone();
            expect.sort_unstable();
            super::sort(&mut items);
            prop_assert_eq!(items, expect);
        }
    }
}
