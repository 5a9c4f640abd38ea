//! Results held to what they promise: any row at once, bounded memory, caps that lose nothing. No server is needed.

use super::*;

const NO_LIMIT: Limits = Limits { memory: 1 << 20, rows: 0, bytes: 0 };

fn columns(count: usize) -> Arc<[Column]> {
    (0..count).map(|n| Column { name: format!("c{n}"), oid: 25 }).collect()
}

fn cells(row: u64) -> [Option<String>; 3] {
    [Some(row.to_string()), (!row.is_multiple_of(7)).then(|| format!("é{row}")), Some(String::new())]
}

fn page(rows: Range<u64>) -> Page {
    let mut builder = PageBuilder::new(3);
    for row in rows {
        let cells = cells(row);
        builder.push(cells.iter().map(Option::as_deref));
    }
    builder.take()
}

fn check(set: &mut ResultSet, first: u64, count: u64) {
    let pieces = set.window(first, count, usize::MAX).expect("the file can be read");
    let mut row = first;
    for piece in &pieces {
        for at in piece.rows.clone() {
            let expected = cells(row);
            let expected: Vec<_> = expected.iter().map(Option::as_deref).collect();
            assert_eq!(piece.page.row(at).collect::<Vec<_>>(), expected, "row {row}");
            row += 1;
        }
    }
    assert_eq!(row, first.saturating_add(count).min(set.rows()).max(first), "window {first}+{count}");
}

#[test]
fn millions_of_rows_in_bounded_memory_and_any_row_at_once() {
    let mut set = ResultSet::new(columns(3), NO_LIMIT);
    let total = 3_000_000u64;
    let (mut row, mut step, mut most) = (0, 1, 0);
    while row < total {
        let next = (row + step).min(total);
        set.push(page(row..next)).expect("no cap");
        row = next;
        step = step % 9000 + 37;
        most = most.max(set.memory());
    }
    assert_eq!(set.rows(), total);
    assert!(set.on_disk() > 30 << 20, "{}", set.on_disk());
    assert!(most < (1 << 20) + (1 << 19), "{most} bytes in memory");
    let mut at = 1u64;
    for _ in 0..500 {
        at = (at * 6_364_136_223 + 1_442_695) % total;
        check(&mut set, at, 120);
    }
    check(&mut set, 0, 10);
    check(&mut set, total - 5, 10);
    check(&mut set, total + 5, 10);
    assert!(set.memory() < 2 << 20, "{} bytes after reading", set.memory());
}

#[test]
fn rows_that_trickle_are_joined() {
    let mut set = ResultSet::new(columns(3), NO_LIMIT);
    for row in 0..5_000 {
        set.push(page(row..row + 1)).expect("no cap");
        if row % 611 == 0 {
            check(&mut set, row.saturating_sub(400), 500);
        }
    }
    assert!(set.index.len() < 30, "{} pages", set.index.len());
    check(&mut set, 0, 5_000);
}

#[test]
fn the_row_cap_keeps_exactly_so_many() {
    let mut set = ResultSet::new(columns(3), Limits { rows: 25, ..NO_LIMIT });
    set.push(page(0..20)).expect("under the cap");
    let full = set.push(page(20..40)).expect_err("over the cap");
    assert_eq!(full.to_string(), "only the first 25 rows are kept (setting row_limit)");
    assert_eq!(set.rows(), 25);
    check(&mut set, 0, 100);
    set.push(page(40..41)).expect_err("still full");
    assert_eq!(set.rows(), 25);
}

#[test]
fn the_byte_cap_and_a_full_disk_lose_nothing_already_there() {
    let tight = Limits { memory: 200 << 10, rows: 0, bytes: 300 << 10 };
    let mut set = ResultSet::new(columns(3), tight);
    let mut row = 0;
    let full = loop {
        match set.push(page(row..row + 4000)) {
            Ok(()) => row += 4000,
            Err(full) => break full,
        }
    };
    assert_eq!(full.to_string(), "more than 307200 bytes on disk are not kept (setting byte_limit)");
    assert_eq!(set.rows(), row);
    check(&mut set, 0, row);

    let nowhere = PathBuf::from("/nonexistent/for/gatepost");
    let mut set = ResultSet::in_folder(columns(3), Limits { memory: 200 << 10, ..NO_LIMIT }, nowhere);
    let mut row = 0;
    let full = loop {
        match set.push(page(row..row + 4000)) {
            Ok(()) => row += 4000,
            Err(full) => break full,
        }
    };
    assert!(full.to_string().starts_with("rows can no longer be kept in a temporary file in /nonexistent"), "{full}");
    assert!(row > 0);
    check(&mut set, 0, row);
}

#[test]
fn a_result_at_rest_holds_no_memory() {
    let mut set = ResultSet::new(columns(3), NO_LIMIT);
    set.push(page(0..5000)).expect("no cap");
    set.push(page(5000..5010)).expect("no cap");
    assert_eq!(set.on_disk(), 0);
    set.rest().expect("the disk has room");
    assert!(set.memory() < 1 << 10, "{}", set.memory());
    check(&mut set, 0, 5010);
}

#[test]
fn the_file_is_private_and_unlinked() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { memory: 0, ..NO_LIMIT };
    let mut set = ResultSet::in_folder(columns(3), limits, folder.path().to_owned());
    set.push(page(0..5000)).expect("no cap");
    let facts = set.file.as_ref().expect("a file").metadata().expect("facts");
    assert_eq!(facts.mode() & 0o777, 0o600);
    assert_eq!(facts.nlink(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn a_window_of_enormous_rows_is_cut_by_bytes() {
    let mut set = ResultSet::new(columns(1), NO_LIMIT);
    let huge = "x".repeat(2 << 20);
    for _ in 0..10 {
        let mut builder = PageBuilder::new(1);
        builder.push([Some(huge.as_str())]);
        set.push(builder.take()).expect("no cap");
    }
    let rows = |pieces: Vec<Piece>| pieces.iter().map(|piece| piece.rows.len()).sum::<usize>();
    assert_eq!(rows(set.window(0, 10, 5 << 20).expect("readable")), 3);
    assert_eq!(rows(set.window(8, 10, 0).expect("readable")), 1);
    assert!(set.memory() < 2 << 20, "{}", set.memory());
}

#[test]
fn rows_without_columns_are_counted() {
    let mut set = ResultSet::new(columns(0), Limits { memory: 0, ..NO_LIMIT });
    let mut builder = PageBuilder::new(0);
    (0..300).for_each(|_| builder.push([]));
    set.push(builder.take()).expect("no cap");
    set.rest().expect("the disk has room");
    assert_eq!(
        set.window(0, 1000, usize::MAX).expect("readable").iter().map(|piece| piece.rows.len()).sum::<usize>(),
        300
    );
}

#[test]
fn a_snapshot_reads_every_row_while_more_come() {
    let limits = Limits { memory: 100 << 10, rows: 0, bytes: 0 };
    let mut set = ResultSet::new(columns(3), limits);
    let mut row = 0;
    for step in [4000, 900, 3000, 1, 70, 1] {
        set.push(page(row..row + step)).expect("no cap");
        row += step;
    }
    let snapshot = set.snapshot();
    set.push(page(row..row + 5000)).expect("no cap");
    set.rest().expect("the disk has room");
    assert_eq!(snapshot.rows(), row);
    let mut next = 0;
    for number in 0..snapshot.pages() {
        let (first, piece) = snapshot.page(number).expect("readable");
        assert_eq!(first, next);
        next += piece.rows.len() as u64;
    }
    assert_eq!(next, row);
    for row in (0..row).step_by(7) {
        let piece = snapshot.row(row).expect("readable");
        let expected = cells(row);
        assert_eq!(piece.page.row(piece.rows.start).collect::<Vec<_>>(), expected.each_ref().map(Option::as_deref));
    }
}
