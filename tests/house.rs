//! Holds the floors of the house apart: reads `src/**/*.rs` and fails on an import that climbs, on a crate in a room that
//! is not its own, and on a file that does not say what it is; and holds README to the tables it is made from.

#[path = "house_rules/imports.rs"]
mod imports;
#[path = "house_rules/source.rs"]
mod source;

use gatepost::console::keys::{Binding, hints, show};
use gatepost::console::state::GLOBAL_KEYS;
use gatepost::settings;
use std::ops::Range;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_import_points_down_and_every_file_says_what_it_is() {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    paths.sort();
    assert!(paths.len() > 50, "only {} files found", paths.len());
    let house: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("inside the project").display().to_string();
            (name, std::fs::read_to_string(path).expect("readable source"))
        })
        .collect();
    let tests = source::test_files(&house);
    let mut wrong = Vec::new();
    for (name, text) in &house {
        if !source::says_what_it_is(text) {
            wrong.push(format!("{name}: does not open with //! and what it is"));
        }
        if !tests.contains(name) {
            wrong.extend(imports::violations(name, text));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Where in README a section stands that is made from a table.
fn section(readme: &str, name: &str) -> Range<usize> {
    let begin = format!("<!-- {name}: made by `cargo test --test house -- --ignored` -->\n");
    let end = format!("<!-- /{name} -->");
    let start = readme.find(&begin).unwrap_or_else(|| panic!("README has no {begin}")) + begin.len();
    let length = readme[start..].find(&end).unwrap_or_else(|| panic!("README has no {end}"));
    start..start + length
}

/// The sections of README that are made from tables.
fn sections() -> Vec<(&'static str, String)> {
    vec![("settings", settings::markdown()), ("keys", keys())]
}

/// Every key of the console, by where it works.
fn keys() -> String {
    use gatepost::console::panes::{activity, connect, consent, diagnosis, doctor, enable_iam, fleet, lines, listen};
    use gatepost::console::query::keymap;
    [
        table("Everywhere", GLOBAL_KEYS),
        table("Fleet", fleet::KEYS),
        table("Connect", connect::KEYS),
        table("Where connecting failed", connect::FAILED_KEYS),
        table("Diagnosis", diagnosis::KEYS),
        table("Doctor", doctor::KEYS),
        table("Lines", lines::KEYS),
        table("Lines: the form of a listener", listen::KEYS),
        table("Lines: a listener that writes to production", consent::KEYS),
        table("Switching IAM authentication on", enable_iam::KEYS),
        table("Activity", activity::KEYS),
        table("Activity: a session", activity::DETAIL_KEYS),
        table("Query: the editor", keymap::WRITE),
        table("Query: vi's keys in the editor (`editor_keys = \"vi\"`)", gatepost::console::query::VI),
        table("Query: the list of names", gatepost::console::query::CHOOSE),
        table("Query: the results", keymap::LOOK),
        table("Query: a plan", keymap::PLAN),
        table("Query: choosing columns, copies, files and words", keymap::FILL),
        table("Query: a cell", keymap::READ),
        table("Query: the history", keymap::SEARCH),
        table("Query: the catalogue", gatepost::console::query::tree::BRANCH),
        table("Query: the catalogue's filter", gatepost::console::query::tree::SIFT),
        table("Query: saved queries", gatepost::console::query::shelf::PICK),
        table("Query: naming a saved query", gatepost::console::query::shelf::LABEL),
    ]
    .concat()
}

fn table<A>(heading: &str, table: &'static [Binding<A>]) -> String {
    let mut text = format!("<details><summary>{heading}</summary>\n\n| key | does |\n|---|---|\n");
    for hint in hints(table) {
        // A backtick cannot stand in a span of code, nor a bar in a cell.
        let keys: Vec<String> = hint.keys.iter().map(|key| format!("`{}`", show(key).replace('|', "\\|"))).collect();
        text.push_str(&format!("| {} | {} |\n", keys.join(" "), hint.help.replace('|', "\\|")));
    }
    text + "\n</details>\n\n"
}

#[test]
fn readme_says_what_the_tables_say() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    for (name, expected) in sections() {
        let present = &readme[section(&readme, name)];
        let missing: Vec<&str> = expected.lines().filter(|line| !present.lines().any(|there| there == *line)).collect();
        assert!(
            present == expected,
            "README's {name} are not the table's; `cargo test --test house -- --ignored` writes them anew. Missing:\n{}",
            missing.join("\n")
        );
    }
}

#[test]
#[ignore = "writes the sections of README.md that are made from tables"]
fn write_readme() {
    let path = root().join("README.md");
    let mut readme = std::fs::read_to_string(&path).expect("README.md");
    for (name, text) in sections() {
        let range = section(&readme, name);
        readme.replace_range(range, &text);
    }
    std::fs::write(path, readme).expect("README.md can be written");
}
