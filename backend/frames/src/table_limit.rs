//! The size of a table of Prometheus' samples. Prometheus sends the labels of a series once; a table
//! repeats them in every row, so that an answer of 64 MiB could fill gigabytes.

/// Maximum number of cells with labels.
const MAX_CELLS: usize = 2_000_000;
/// Maximum size of the labels in all cells, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The number of rows that fit, of rows with so many columns of labels and these sizes of their labels
/// in bytes.
pub(crate) fn rows(columns: usize, text_bytes: impl Iterator<Item = usize>) -> usize {
    let by_cells = MAX_CELLS / columns.max(1);
    let mut total: usize = 0;
    text_bytes
        .take(by_cells)
        .take_while(|bytes| {
            total = total.saturating_add(*bytes);
            total <= MAX_TEXT_BYTES
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let check = |columns: usize, count: usize, bytes: usize, fits: usize| {
            let texts = std::iter::repeat_n(bytes, count);
            assert_eq!(rows(columns, texts), fits, "{columns} {count} {bytes}");
        };
        check(0, 0, 0, 0);
        check(0, 100, 0, 100);
        check(0, 3_000_000, 0, 2_000_000);
        check(20, 1_000_000, 8, 100_000);
        check(200, 1_000_000, 8, 10_000);
        check(1, 100, 1 << 20, 64);
        check(1, 100, usize::MAX, 0);
        check(3_000_000, 10, 1, 0);
    }
}
