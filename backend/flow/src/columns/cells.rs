/// Fewest rows to make room for.
const LEAST_ROOM: usize = 64;

/// Array of [`FlowColumns`](super::FlowColumns), filled with the absent value ahead of the rows.
///
/// A row usually fills a dozen of the sixty columns, and only those cost time and memory: an array
/// whose absent value is zero is allocated when something else is written to it.
#[derive(Clone)]
pub(super) struct Cells<T> {
    /// Cells of all rows that there is room for; empty until they are needed.
    values: Vec<T>,
    absent: T,
    is_filled: bool,
}

/// Cells of every column to which nothing was written, shared by all columns of a type.
#[derive(Clone, Default)]
pub(super) struct Zeros {
    arrays: Arrays,
    is_kept: bool,
}

/// Value of a column, other than a text or a list.
pub(super) trait Cell: Copy + Default + PartialEq {
    /// Zeros of this type, as many as there is room for rows.
    fn zeros(zeros: &Zeros) -> &[Self];
}

macro_rules! cells {
    ($($Type:ident)*) => {
        #[derive(Clone, Default)]
        struct Arrays { $($Type: Vec<$Type>,)* }

        impl Zeros {
            /// Makes room for `room` rows.
            pub(super) fn grow(&mut self, room: usize) {
                if self.is_kept {
                    // Fresh arrays: the allocator has zeroed pages, and copies none.
                    $( self.arrays.$Type = vec![0; room]; )*
                }
            }
        }

        $(
            impl Cell for $Type {
                fn zeros(zeros: &Zeros) -> &[Self] {
                    &zeros.arrays.$Type
                }
            }
        )*
    };
}

cells! { i8 u8 u16 i32 u32 i64 u64 }

impl Zeros {
    /// Zeros for columns that are read as slices of all rows, or none.
    pub(super) fn new(is_kept: bool) -> Self {
        Self { arrays: Arrays::default(), is_kept }
    }
}

impl<T: Cell> Cells<T> {
    /// Column whose cells are `absent` until something is written. Nothing is ever written unless
    /// it `is_filled`.
    pub(super) fn new(absent: T, is_filled: bool) -> Self {
        Self { values: Vec::new(), absent, is_filled }
    }

    /// Cells of the first `rows`; of a column without an array, as many as there are `zeros`.
    pub(super) fn first<'a>(&'a self, rows: usize, zeros: &'a Zeros) -> &'a [T] {
        let cells = if self.values.is_empty() { T::zeros(zeros) } else { &self.values };
        cells.get(..rows).unwrap_or(cells)
    }

    /// Cell above `row`; the absent value for the first row.
    pub(super) fn above(&self, row: usize) -> T {
        row.checked_sub(1).and_then(|above| self.values.get(above)).copied().unwrap_or(self.absent)
    }

    /// Fills the cell of a new row within the `room`, in rows.
    #[inline]
    pub(super) fn set(&mut self, row: usize, value: T, room: usize) {
        if value != self.absent {
            match self.values.get_mut(row) {
                Some(cell) => *cell = value,
                None => self.set_first(row, value, room),
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
        let is_needed = !self.values.is_empty() || self.absent != T::default();
        if self.is_filled && is_needed {
            self.values.reserve_exact(room.saturating_sub(self.values.len()));
            self.values.resize(room, self.absent);
        }
    }

    /// Allocates the array, and fills a cell.
    #[cold]
    #[inline(never)]
    fn set_first(&mut self, row: usize, value: T, room: usize) {
        if self.is_filled {
            self.values = vec![self.absent; room];
            if let Some(cell) = self.values.get_mut(row) {
                *cell = value;
            }
        }
    }
}

/// Next larger room, in rows.
pub(super) fn next_room(room: usize) -> usize {
    room.saturating_mul(2).max(LEAST_ROOM)
}
