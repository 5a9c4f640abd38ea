//! Which rows and columns of a result are meant, and in which order: read piece by piece, on any thread. It must not know
//! what becomes of them.

use crate::access::result_set::Snapshot;
use crate::model::{Column, Page, PageBuilder};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Rows gathered into one page where they are not taken page by page.
const GATHERED: usize = 500;
/// Bytes beyond which no more rows are gathered into one page.
const HELD: usize = 1 << 20;

/// A part of a result. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The result.
    pub rows: Snapshot,
    /// The numbers of its rows as they are shown; `None` as they came.
    pub order: Option<Arc<[u32]>>,
    /// Which rows, counted as they are shown; may reach beyond the end.
    pub range: Range<u64>,
    /// Which columns, in which order; `None` for all as they came.
    pub columns: Option<Arc<[usize]>>,
}

impl Selection {
    /// Everything in `rows`.
    pub fn all(rows: Snapshot) -> Selection {
        Selection { rows, order: None, range: 0..u64::MAX, columns: None }
    }

    /// Rows meant.
    pub fn count(&self) -> u64 {
        let all = self.order.as_ref().map_or(self.rows.rows(), |order| order.len() as u64);
        self.range.end.min(all).saturating_sub(self.range.start)
    }

    /// The columns meant.
    pub fn header(&self) -> Vec<Column> {
        let all = self.rows.columns();
        match &self.columns {
            Some(chosen) => chosen.iter().map(|column| all[*column].clone()).collect(),
            None => all.to_vec(),
        }
    }

    /// Hands the rows over in pages of a bounded size; `take` says whether it wants more.
    pub fn each(&self, mut take: impl FnMut(Page) -> io::Result<bool>) -> io::Result<()> {
        let columns = self.columns.as_ref().map_or(self.rows.columns().len(), |chosen| chosen.len());
        let mut gathered = PageBuilder::new(columns);
        let mut row = self.range.start;
        let end = row + self.count();
        while row < end {
            let (first, piece) = match &self.order {
                Some(order) => (row, self.rows.row(order[row as usize].into())?),
                None => self.rows.page(self.rows.page_of(row))?,
            };
            let from = (row - first) as usize + piece.rows.start;
            let to = (piece.rows.end).min(from + usize::try_from(end - row).unwrap_or(usize::MAX));
            row += (to - from) as u64;
            let whole = from == 0 && to == piece.page.rows() && self.order.is_none() && self.columns.is_none();
            if whole {
                if !take(piece.page)? {
                    return Ok(());
                }
                continue;
            }
            for at in from..to {
                match &self.columns {
                    Some(chosen) => gathered.push(chosen.iter().map(|column| piece.page.cell(at, *column))),
                    None => gathered.push(piece.page.row(at)),
                }
                if (gathered.rows() >= GATHERED || gathered.size() >= HELD) && !take(gathered.take())? {
                    return Ok(());
                }
            }
            // A whole page may follow: what was gathered comes before it.
            if self.order.is_none() && gathered.rows() > 0 && !take(gathered.take())? {
                return Ok(());
            }
        }
        if gathered.rows() > 0 {
            take(gathered.take())?;
        }
        Ok(())
    }
}
