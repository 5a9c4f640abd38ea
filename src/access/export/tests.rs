//! Exports to real files: every format as it is printed, stopped and gone on from, refused where something is in the way.

use super::*;
use crate::access::{Limits, ResultSet};
use crate::model::{Column, PageBuilder};
use std::sync::Arc;

fn result(rows: u64) -> Selection {
    let columns: Arc<[Column]> =
        [("id", 20), ("words", 25)].into_iter().map(|(name, oid)| Column { name: name.to_owned(), oid }).collect();
    let mut set = ResultSet::new(columns, Limits { memory: 100 << 10, rows: 0, bytes: 0 });
    let mut page = PageBuilder::new(2);
    for row in 0..rows {
        let words = (row % 7 != 0).then(|| format!("a,\"{row}\"\n\t{}", "x".repeat((row % 40) as usize)));
        page.push([Some(row.to_string().as_str()), words.as_deref()]);
        if page.rows() == 1000 {
            set.push(page.take()).expect("no cap");
        }
    }
    set.push(page.take()).expect("no cap");
    Selection::all(set.snapshot())
}

fn plan(path: PathBuf, format: Format) -> Plan {
    Plan { path, format, null: None, table: None, overwrite: false }
}

/// What the command line prints.
fn printed(selection: &Selection, format: Format) -> Vec<u8> {
    let (mut writer, mut out) = (Writer::new(format, None, false), Vec::new());
    writer.columns(&mut out, selection.header());
    for number in 0..selection.rows.pages() {
        let (_, piece) = selection.rows.page(number).expect("readable");
        writer.rows(&mut out, piece.page);
    }
    writer.finish(&mut out, selection.count());
    out
}

#[test]
fn every_format_is_written_as_printed_and_gone_on_from_where_it_was_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let selection = result(40_000);
    for format in Format::ALL {
        let path = folder.path().join(format!("rows.{}", format.name()));
        let plan = plan(path.clone(), format);
        let stop = AtomicBool::new(false);
        let stopped = export(&selection, &plan, None, &stop, &mut |rows, _| {
            stop.store(rows > 10_000, Ordering::Relaxed);
        });
        let Written::Stopped(part) = stopped.expect("written") else { panic!("{format:?} was not stopped") };
        assert!(!path.exists(), "no half a file has the whole one's name");
        assert!(part.rows > 10_000 && part.rows < 40_000, "{part:?}");
        assert_eq!(std::fs::metadata(&part.path).expect("the part").len(), part.bytes);
        let again = export(&selection, &plan, None, &AtomicBool::new(false), &mut |_, _| {});
        assert!(
            matches!(again, Err(Unwritten::Exists(path)) if path == part.path),
            "a part is not written over unasked"
        );
        // Stopped again before anything new was written, it is still what it was.
        let halted = export(&selection, &plan, Some(&part), &AtomicBool::new(true), &mut |_, _| {}).expect("stopped");
        let Written::Stopped(still) = halted else { panic!("not stopped") };
        assert_eq!(still, part);
        let done = export(&selection, &plan, Some(&still), &AtomicBool::new(false), &mut |_, _| {}).expect("written");
        let expected = printed(&selection, format);
        assert_eq!(done, Written::Whole { path: path.clone(), rows: 40_000, bytes: expected.len() as u64 });
        assert!(std::fs::read(&path).expect("the file") == expected, "{format:?} differs");
        assert!(!part.path.exists());
    }
}

#[test]
fn nothing_is_written_over_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("there.csv");
    std::fs::write(&path, "precious").expect("a file");
    let selection = result(10);
    let mut plan = plan(path.clone(), Format::Csv);
    let refused = export(&selection, &plan, None, &AtomicBool::new(false), &mut |_, _| {}).expect_err("refused");
    assert!(refused.to_string().ends_with("there.csv is there already"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "precious");
    plan.overwrite = true;
    export(&selection, &plan, None, &AtomicBool::new(false), &mut |_, _| {}).expect("written");
    assert!(std::fs::read(&path).expect("the file") == printed(&selection, Format::Csv));
}

#[test]
fn a_part_that_is_not_as_it_was_left_is_not_gone_on_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan(folder.path().join("rows.csv"), Format::Csv);
    let selection = result(10);
    let Written::Stopped(part) =
        export(&selection, &plan, None, &AtomicBool::new(true), &mut |_, _| {}).expect("stopped")
    else {
        panic!("not stopped")
    };
    std::fs::write(&part.path, "somebody else's").expect("written");
    let changed = export(&selection, &plan, Some(&part), &AtomicBool::new(false), &mut |_, _| {});
    assert!(matches!(changed, Err(Unwritten::Changed(_))), "{changed:?}");
}

#[test]
fn a_full_disk_is_told_and_what_is_in_the_part_is_whole_rows() {
    // /dev/full refuses every write; a part that is a link to it stands for a full disk.
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan(folder.path().join("rows.csv"), Format::Csv);
    let path = part_of(&plan.path);
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let part = Part { path, rows: 0, bytes: 0 };
    let full = export(&result(10), &plan, Some(&part), &AtomicBool::new(false), &mut |_, _| {}).expect_err("full");
    let Unwritten::Disk { source, part: Some(part), .. } = full else { panic!("{full}") };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert_eq!((part.rows, part.bytes), (0, 0));
    assert!(!plan.path.exists());
}

#[test]
fn a_selection_is_the_rows_and_columns_meant_in_the_order_shown() {
    let mut selection = result(3_000);
    selection.range = 995..1_010;
    selection.columns = Some([1, 0].into());
    let gather = |selection: &Selection| {
        let mut ids = Vec::new();
        let read = selection.each(|page| {
            for row in 0..page.rows() {
                ids.push(page.cell(row, page.columns() - 1).expect("an id").to_owned());
            }
            Ok(true)
        });
        read.expect("readable");
        ids
    };
    assert_eq!(gather(&selection), (995..1_010).map(|row: u64| row.to_string()).collect::<Vec<_>>());
    assert_eq!(selection.header()[0].name, "words");
    selection.order = Some((0..2_000).rev().collect());
    selection.range = 1_990..u64::MAX;
    assert_eq!(selection.count(), 10);
    assert_eq!(gather(&selection), (0..10).rev().map(|row: u64| row.to_string()).collect::<Vec<_>>());
    selection.order = None;
    selection.columns = None;
    selection.range = 1_500..2_500;
    let mut ids = Vec::new();
    let read = selection.each(|page| {
        (0..page.rows()).for_each(|row| ids.push(page.cell(row, 0).expect("an id").to_owned()));
        Ok(true)
    });
    read.expect("readable");
    assert_eq!(ids, (1_500..2_500).map(|row: u64| row.to_string()).collect::<Vec<_>>());
}
