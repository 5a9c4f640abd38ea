//! Rows as text, packed: one string a page instead of one a cell. It must not know where rows come from or go to.

use std::sync::Arc;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the server named it.
    pub name: String,
    /// Type OID (`pg_type.oid`), 0 where unknown.
    pub oid: u32,
}

impl Column {
    /// Whether values of this type are aligned right (numbers, oid, money), as psql does.
    pub fn is_numeric(&self) -> bool {
        // int8 int2 int4 oid float4 float8 money numeric, xid cid (psql's column_type_alignment), pg_type.dat
        matches!(self.oid, 20 | 21 | 23 | 26 | 700 | 701 | 790 | 1700 | 28 | 29 | 5069)
    }
}

/// Marks a NULL cell in `ends`; the low 31 bits are still the end offset.
const NULL: u32 = 1 << 31;

/// The next few rows of a result, as the server's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    columns: usize,
    rows: usize,
    text: Arc<str>,
    ends: Arc<[u32]>,
}

impl Page {
    /// Rows in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Cells a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes it occupies, near enough for a budget.
    pub fn size(&self) -> usize {
        self.text.len() + 4 * self.ends.len() + 64
    }

    /// One cell; `None` is NULL. Rows and columns count from 0 and must be in range.
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        assert!(
            row < self.rows && column < self.columns,
            "cell ({row}, {column}) of a {}×{} page",
            self.rows,
            self.columns
        );
        let at = row * self.columns + column;
        let end = self.ends[at];
        if end & NULL != 0 {
            return None;
        }
        let start = if at == 0 { 0 } else { self.ends[at - 1] & !NULL };
        Some(&self.text[start as usize..end as usize])
    }

    /// The cells of one row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Option<&str>> + Clone {
        (0..self.columns).map(move |column| self.cell(row, column))
    }

    /// For writing it away: the text and the ends.
    pub fn raw(&self) -> (&str, &[u32]) {
        (&self.text, &self.ends)
    }

    /// One row of what [`Page::raw`] gave: `ends` are its own, `before` is the end before them (0 for the first row), `text`
    /// is theirs alone. `None` when it does not fit together.
    pub fn from_raw_row(before: u32, text: String, ends: &[u32]) -> Option<Page> {
        let before = before & !NULL;
        let ends = ends.iter().map(|end| Some((end & !NULL).checked_sub(before)? | (end & NULL)));
        let ends: Vec<u32> = ends.collect::<Option<_>>()?;
        Page::from_raw(ends.len(), 1, text, ends)
    }

    /// Where the text of an end of [`Page::raw`] ends, in bytes.
    pub fn offset(end: u32) -> usize {
        (end & !NULL) as usize
    }

    /// From what [`Page::raw`] gave; `None` when it does not fit together.
    pub fn from_raw(columns: usize, rows: usize, text: String, ends: Vec<u32>) -> Option<Page> {
        if ends.len() != columns.checked_mul(rows)? {
            return None;
        }
        let mut last = 0;
        for end in &ends {
            let end = (end & !NULL) as usize;
            if end < last || end > text.len() || !text.is_char_boundary(end) {
                return None;
            }
            last = end;
        }
        Some(Page { columns, rows, text: text.into(), ends: ends.into() })
    }
}

/// Collects rows into a [`Page`].
#[derive(Debug, Default)]
pub struct PageBuilder {
    columns: usize,
    text: String,
    ends: Vec<u32>,
    rows: usize,
}

impl PageBuilder {
    /// An empty page of so many columns.
    pub fn new(columns: usize) -> PageBuilder {
        PageBuilder { columns, ..PageBuilder::default() }
    }

    /// Whether a row of so many bytes of text can be added: offsets have 31 bits.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.text.len().saturating_add(bytes) < NULL as usize
    }

    /// Adds one row; missing cells become NULL, surplus ones are dropped. Panics when [`PageBuilder::has_room`] would have
    /// said no: a wrong offset would show one cell's text as another's. An empty page has room for any row, since a message
    /// server builds a row in a buffer of at most 1 GiB (MaxAllocSize, memutils.h).
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>) {
        let mut cells = cells.into_iter();
        for _ in 0..self.columns {
            match cells.next().flatten() {
                Some(cell) => {
                    assert!(self.has_room(cell.len()), "more than 2 GiB of text in one page of rows");
                    self.text.push_str(cell);
                    self.ends.push(self.text.len() as u32);
                }
                None => self.ends.push(self.text.len() as u32 | NULL),
            }
        }
        self.rows += 1;
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.text.len() + 4 * self.ends.len()
    }

    /// The page; the builder starts anew.
    pub fn take(&mut self) -> Page {
        let done = std::mem::replace(self, PageBuilder::new(self.columns));
        Page { columns: done.columns, rows: done.rows, text: done.text.into(), ends: done.ends.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_not_empty() {
        let mut builder = PageBuilder::new(3);
        builder.push([Some("a"), None, Some("")]);
        builder.push([None, Some("é"), Some("z")]);
        let page = builder.take();
        assert_eq!(page.row(0).collect::<Vec<_>>(), [Some("a"), None, Some("")]);
        assert_eq!(page.row(1).collect::<Vec<_>>(), [None, Some("é"), Some("z")]);
        assert_eq!(builder.rows(), 0);
        let (text, ends) = page.raw();
        assert_eq!(Page::from_raw(3, 2, text.to_owned(), ends.to_vec()), Some(page.clone()));
        let second = Page::from_raw_row(ends[2], "éz".to_owned(), &ends[3..]).expect("fits");
        assert_eq!(second.row(0).collect::<Vec<_>>(), [None, Some("é"), Some("z")]);
        assert_eq!(Page::from_raw_row(ends[2], "é".to_owned(), &ends[3..]), None);
        assert_eq!(Page::from_raw(3, 3, text.to_owned(), ends.to_vec()), None);
    }
}
