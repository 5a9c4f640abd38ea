//! `\crosstabview`: rows to a grid. It must not know where rows come from.
//!
//! Source: psql's reference page, `\crosstabview`.

use super::step::{Ran, Table};
use crate::model::Column;
use std::collections::{HashMap, HashSet};

/// The most columns a result can have at the server.
const COLUMNS: usize = 1600;

/// Pivots rows; `arguments` are colV, colH, colD, sortcolH, each a name or a number from 1.
pub(super) fn pivot(ran: &Ran, arguments: &[String]) -> Result<Table, String> {
    let columns = &ran.columns;
    if columns.len() < 3 {
        return Err("\\crosstabview: query must return at least three columns".to_owned());
    }
    let given = |at: usize| arguments.get(at).map(|argument| column(columns, argument)).transpose();
    let vertical = given(0)?.unwrap_or(0);
    let horizontal = given(1)?.unwrap_or(1);
    if vertical == horizontal {
        return Err("\\crosstabview: vertical and horizontal headers must be different columns".to_owned());
    }
    let data = match given(2)? {
        Some(data) => data,
        None if columns.len() == 3 => 3 - vertical - horizontal,
        None => {
            return Err(
                "\\crosstabview: data column must be specified when query returns more than three columns".to_owned()
            );
        }
    };
    let sort = given(3)?;

    let mut rows: Vec<Option<&str>> = Vec::new();
    let mut heads: Vec<(Option<&str>, Option<&str>)> = Vec::new();
    let (mut row_of, mut head_of) = (HashMap::new(), HashMap::new());
    let mut cells = HashMap::new();
    for row in &ran.rows {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref);
        let down = *row_of.entry(cell(vertical)).or_insert_with(|| {
            rows.push(cell(vertical));
            rows.len() - 1
        });
        let across = *head_of.entry(cell(horizontal)).or_insert_with(|| {
            heads.push((cell(horizontal), sort.and_then(cell)));
            heads.len() - 1
        });
        if heads.len() > COLUMNS {
            return Err(format!("\\crosstabview: maximum number of columns ({COLUMNS}) exceeded"));
        }
        if cells.insert((down, across), cell(data)).is_some() {
            return Err(format!(
                "\\crosstabview: query result contains multiple data values for row \"{}\", column \"{}\"",
                rows[down].unwrap_or("(null)"),
                heads[across].0.unwrap_or("(null)")
            ));
        }
    }
    let mut order: Vec<usize> = (0..heads.len()).collect();
    if sort.is_some() {
        let rank = |at: usize| heads[at].1.and_then(|text| text.trim().parse::<f64>().ok());
        if let Some(bad) = heads.iter().filter_map(|head| head.1).find(|text| text.trim().parse::<f64>().is_err()) {
            return Err(format!("\\crosstabview: sort column must hold numbers, not \"{bad}\""));
        }
        order.sort_by(|a, b| {
            let (a, b) = (rank(*a), rank(*b));
            // NULL comes last.
            match (a, b) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        });
    }
    let mut table = Table { columns: vec![columns[vertical].clone()], ..Table::default() };
    for at in &order {
        let name = heads[*at].0.unwrap_or_default().to_owned();
        table.columns.push(Column { name, oid: columns[data].oid });
    }
    for (down, head) in rows.iter().enumerate() {
        let mut row = vec![head.map(str::to_owned)];
        for across in &order {
            // A place without a value is empty; a NULL in the data is NULL.
            row.push(match cells.get(&(down, *across)) {
                Some(value) => value.map(str::to_owned),
                None => Some(String::new()),
            });
        }
        table.rows.push(row);
    }
    Ok(table)
}

fn column(columns: &[Column], argument: &str) -> Result<usize, String> {
    if !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit()) {
        return match argument.parse::<usize>() {
            Ok(number) if (1..=columns.len()).contains(&number) => Ok(number - 1),
            _ => Err(format!("\\crosstabview: column number {argument} is out of range 1..{}", columns.len())),
        };
    }
    let found: HashSet<usize> =
        columns.iter().enumerate().filter(|(_, column)| column.name == argument).map(|(at, _)| at).collect();
    match found.len() {
        0 => Err(format!("\\crosstabview: column name not found: \"{argument}\"")),
        1 => found.into_iter().next().ok_or_else(String::new),
        _ => Err(format!("\\crosstabview: ambiguous column name: \"{argument}\"")),
    }
}
