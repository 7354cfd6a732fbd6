/// Fewest rows to make room for.
const LEAST_ROOM: usize = 64;

/// Array of [`FlowColumns`](super::FlowColumns), filled with the absent value ahead of the rows.
///
/// A row usually fills a dozen of the sixty columns, and only those cost time. A column that is
/// never written costs no memory either if its absent value is zero: the allocator hands out pages
/// that stay untouched. A Wasm module has no such pages; see [`Fill`].
#[derive(Clone)]
pub(super) struct Cells<T> {
    values: Vec<T>,
    absent: T,
    /// Rows that there is room for, or will be once something is written.
    room: usize,
    is_written: bool,
    fill: Fill,
}

/// Time at which an array allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Together with the rows.
    Ahead,
    /// At the first value other than zero, which is the absent one.
    WhenWritten,
    /// Never: nothing is written to it.
    Never,
}

impl<T: Copy + Default + PartialEq> Cells<T> {
    pub(super) fn new(absent: T, fill: Fill) -> Self {
        // A read beyond the end of an array yields zero.
        let fill =
            if fill == Fill::WhenWritten && absent != T::default() { Fill::Ahead } else { fill };
        Self { values: Vec::new(), absent, room: 0, is_written: false, fill }
    }

    /// Number of rows that there is room for.
    pub(super) fn room(&self) -> usize {
        self.room
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
    #[inline]
    pub(super) fn set(&mut self, row: usize, value: T) {
        if value != self.absent {
            match self.values.get_mut(row) {
                Some(cell) => {
                    *cell = value;
                    self.is_written = true;
                }
                None => self.set_first(row, value),
            }
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
        self.room = room;
        match self.fill {
            Fill::Never => {}
            Fill::WhenWritten if !self.is_written => {}
            _ if self.is_written => {
                self.values.reserve_exact(room.saturating_sub(self.values.len()));
                self.values.resize(room, self.absent);
            }
            _ => self.values = vec![self.absent; room],
        }
    }

    /// Takes memory that [`Fill::WhenWritten`] put off, and fills a cell.
    #[cold]
    #[inline(never)]
    fn set_first(&mut self, row: usize, value: T) {
        if self.fill == Fill::WhenWritten && self.values.is_empty() {
            self.values = vec![self.absent; self.room];
        }
        if let Some(cell) = self.values.get_mut(row) {
            *cell = value;
            self.is_written = true;
        }
    }
}

/// Next larger room, in rows.
pub(super) fn next_room(room: usize) -> usize {
    room.saturating_mul(2).max(LEAST_ROOM)
}
