//! What the catalogue's words answered (`\\dt`, `\\d NAME`, …), printed under the display's settings. It must not know what
//! they say.

use super::{Printer, put};
use crate::access::describe::Printed;
use crate::access::script::display::{Display, Expanded, Shape};
use crate::model::PageBuilder;

impl Printer {
    /// One answer. psql's NULL, titles and footers of lists are the list's own.
    pub fn listed(&mut self, out: &mut Vec<u8>, printed: &Printed, display: &Display) {
        let mut display = Display { null: None, title: None, ..display.clone() };
        let plain = display.is_plain();
        match display.shape {
            _ if printed.text.is_some() => return put(out, &printed.aligned()),
            Shape::Own => return put(out, &printed.aligned()),
            Shape::Aligned if plain => return put(out, &printed.aligned()),
            Shape::Csv if plain => return put(out, &printed.csv()),
            _ => {}
        }
        display.title.clone_from(&printed.title);
        display.below = (!printed.counted || !printed.footers.is_empty()).then(|| printed.footers.clone());
        if printed.stays_upright {
            display.expanded = Expanded::Off;
        }
        let mut page = PageBuilder::new(printed.columns.len());
        for row in &printed.rows {
            page.push(row.iter().map(Option::as_deref));
        }
        self.columns(out, printed.columns.clone(), &display);
        self.rows(out, page.take());
        self.finish(out, printed.rows.len() as u64);
    }
}
