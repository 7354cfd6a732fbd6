/// Fewest rows to make room for.
const LEAST_ROOM: usize = 64;

/// Array of [`FlowColumns`](super::FlowColumns), filled with the absent value ahead of the rows.
///
/// A row usually fills a dozen of the sixty columns, and only those cost time. A column that is
/// never written costs no memory either if its absent value is zero: the allocator hands out pages
/// that stay untouched.
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

    /// Number of rows that there is room for.
    pub(super) fn room(&self) -> usize {
        self.values.len()
    }

    /// Cells of the first `rows`, or fewer if there is room for fewer.
    pub(super) fn first(&self, rows: usize) -> &[T] {
        self.values.get(..rows).unwrap_or(&self.values)
    }

    /// Cell above `row`; the absent value for the first row.
    pub(super) fn above(&self, row: usize) -> T {
        row.checked_sub(1).and_then(|above| self.values.get(above)).copied().unwrap_or(self.absent)
    }

    /// Fills the cell of a new row within the room.
    pub(super) fn set(&mut self, row: usize, value: T) {
        if value != self.absent
            && let Some(cell) = self.values.get_mut(row)
        {
            *cell = value;
            self.is_written = true;
        }
    }

    /// Undoes [`Cells::set`].
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

/// Next larger room, in rows.
pub(super) fn next_room(room: usize) -> usize {
    room.saturating_mul(2).max(LEAST_ROOM)
}
