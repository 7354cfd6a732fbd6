/// The least rows that there is room for, once there is one.
const LEAST_ROOM: usize = 64;

/// One array of [`FlowColumns`](super::FlowColumns), filled with the absent value ahead of the
/// rows.
///
/// Of sixty columns a row mostly fills a dozen. So only those cost time, and a column that
/// nothing was ever written to costs no memory either where the absent value is zero: the
/// allocator hands out pages that stay untouched.
#[derive(Clone)]
pub(super) struct Cells<T> {
    values: Vec<T>,
    absent: T,
    is_written: bool,
}

impl<T: Copy + PartialEq> Cells<T> {
    pub(super) fn new(absent: T) -> Self {
        Self { values: Vec::new(), absent, is_written: false }
    }

    /// How many rows there is room for.
    pub(super) fn room(&self) -> usize {
        self.values.len()
    }

    /// The cells of the first `rows`; of fewer if there is no room for as many.
    pub(super) fn first(&self, rows: usize) -> &[T] {
        self.values.get(..rows).unwrap_or(&self.values)
    }

    /// The cell above `row`, the absent value above the first.
    pub(super) fn above(&self, row: usize) -> T {
        row.checked_sub(1).and_then(|above| self.values.get(above)).copied().unwrap_or(self.absent)
    }

    /// Fills the cell of a row that is new, and within the room.
    pub(super) fn set(&mut self, row: usize, value: T) {
        if value != self.absent
            && let Some(cell) = self.values.get_mut(row)
        {
            *cell = value;
            self.is_written = true;
        }
    }

    /// Takes back what [`Cells::set`] did.
    pub(super) fn unset(&mut self, row: usize) {
        if let Some(cell) = self.values.get_mut(row) {
            *cell = self.absent;
        }
    }

    /// Makes room for `room` rows.
    pub(super) fn grow(&mut self, room: usize) {
        if self.is_written {
            self.values.resize(room, self.absent);
        } else {
            self.values = vec![self.absent; room];
        }
    }
}

/// The room that follows on `room` once all of it is taken.
pub(super) fn next_room(room: usize) -> usize {
    room.saturating_mul(2).max(LEAST_ROOM)
}
