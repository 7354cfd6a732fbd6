//! Sorting, small: the standard library's sorts take 3 KB of the browser's module for every type.

/// Sorts in place, in time n log n whatever the order; equal items may change places.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    for root in (0..items.len() / 2).rev() {
        sift(items, root, items.len());
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sift(items, 0, end);
    }
}

/// Lets an item sink in the heap that ends before `end`.
fn sift<T: Ord>(items: &mut [T], mut root: usize, end: usize) {
    loop {
        let mut child = 2 * root + 1;
        if child >= end {
            return;
        }
        if child + 1 < end && items.get(child) < items.get(child + 1) {
            child += 1;
        }
        if items.get(root) >= items.get(child) {
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
