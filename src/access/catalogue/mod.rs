//! Loading a database's names for completion, on a session of its own that ends with it: it reads only, says what it is
//! in `application_name`, and gives up after two minutes. Rows go into the compact form as they come. It must not know
//! what the names are for, and never touches the session that runs people's statements.

mod queries;

use super::{Access, Session, Wish};
use crate::model::catalogue::{Builder, Catalogue, RelationKind};
use crate::model::completion::literal;
use crate::model::{Diagnosis, Happening, Page};
use queries::{QUERIES, Section};
use std::collections::HashMap;
use std::time::Duration;

/// How long the server may take for all of it.
const PATIENCE: Duration = Duration::from_secs(120);

impl Access {
    /// The names of the wish's database, as its role sees them. A session is opened for it, over the route that is open
    /// already where there is one, and closed before this returns, so that no slot of the role stays taken. What was
    /// loaded before something failed is kept, if that is the relations at least.
    pub async fn catalogue(&self, wish: &Wish) -> Result<Catalogue, Diagnosis> {
        let wish = Wish { read_only: true, ..wish.clone() };
        let mut session = self.connect(&wish, None).await?;
        let loaded = Box::pin(load(&mut session, &self.settings().os_user)).await;
        session.close().await;
        loaded
    }
}

async fn load(session: &mut Session, os_user: &str) -> Result<Catalogue, Diagnosis> {
    let name = literal(&format!("gatepost completion ({os_user})"));
    let settings = format!(
        "set application_name = {name}; set statement_timeout = {}; set lock_timeout = 1000",
        PATIENCE.as_millis()
    );
    let mut running = session.run(&settings);
    while let Some(happening) = running.next().await {
        happening?;
    }
    drop(running);
    let text: Vec<&str> = QUERIES.iter().map(|(_, sql)| *sql).collect();
    let mut loading = Loading::default();
    let mut running = session.run(&text.join(";"));
    let mut at = None;
    while let Some(happening) = running.next().await {
        match happening {
            Ok(Happening::Columns(_)) => at = Some(at.map_or(0, |at: usize| at + 1)),
            Ok(Happening::Rows(page)) => {
                if let Some((section, _)) = at.and_then(|at| QUERIES.get(at)) {
                    loading.page(*section, &page);
                }
            }
            Ok(_) => {}
            Err(diagnosis) if !loading.has_relations => return Err(diagnosis),
            Err(diagnosis) => {
                tracing::info!(title = %diagnosis.title, "names for completion are incomplete");
                break;
            }
        }
    }
    Ok(loading.finish())
}

/// What is loaded so far.
#[derive(Default)]
struct Loading {
    builder: Builder,
    has_relations: bool,
    /// How types are spelled, by `pg_type.oid`.
    types: HashMap<u32, String>,
    /// The enum whose labels come.
    labelled: Option<Labelled>,
    /// The foreign key whose columns come.
    key: Option<Key>,
}

struct Labelled {
    oid: u32,
    schema: String,
    name: String,
    spelled: String,
    labels: Vec<String>,
}

struct Key {
    oid: u32,
    from: usize,
    to: usize,
    columns: Vec<(String, String)>,
}

impl Loading {
    fn page(&mut self, section: Section, page: &Page) {
        for row in 0..page.rows() {
            let text = |column: usize| match column < page.columns() {
                true => page.cell(row, column).unwrap_or_default(),
                false => "",
            };
            let oid = |column: usize| text(column).parse::<u32>().unwrap_or(0);
            match section {
                Section::Path => self.builder.on_path(text(0)),
                Section::Schemas => self.builder.schema(text(0)),
                Section::Relations => {
                    if let Some(kind) = RelationKind::parse(text(3)) {
                        let relation = self.builder.relation(text(1), text(2), kind, []);
                        self.builder.identify(oid(0), relation);
                        self.has_relations = true;
                    }
                }
                Section::Types => self.of_type(oid(0), [text(1), text(2), text(3), text(4)], page.cell(row, 5)),
                Section::Functions => {
                    self.builder.function(text(0), text(1), text(2), text(3), text(4) == "p");
                }
                Section::Keys => self.key(oid(0), oid(1), oid(2), text(3), text(4)),
                Section::Settings => {
                    let (name, value, about) = (text(0), text(1), text(4));
                    match (text(2), text(3)) {
                        ("bool", _) => self.builder.setting(name, value, ["on", "off"], about),
                        (_, "") => self.builder.setting(name, value, [], about),
                        (_, values) => self.builder.setting(name, value, values.split(','), about),
                    }
                }
                Section::Roles => self.builder.role(text(0)),
                Section::Databases => self.builder.database(text(0)),
                Section::Extensions => self.builder.extension(text(0)),
                Section::Columns => {
                    if let Some(relation) = self.builder.identified(oid(0)) {
                        let of_type = self.types.get(&oid(2)).map_or("", String::as_str);
                        self.builder.column(relation, text(1), of_type);
                    }
                }
            }
        }
    }

    /// A type, or one more label of the enum before.
    fn of_type(&mut self, oid: u32, [schema, name, spelled, offered]: [&str; 4], label: Option<&str>) {
        if self.labelled.as_ref().is_none_or(|labelled| labelled.oid != oid) {
            self.end_type();
            self.types.insert(oid, spelled.to_owned());
            if offered == "t" {
                let (schema, name, spelled) = (schema.to_owned(), name.to_owned(), spelled.to_owned());
                self.labelled = Some(Labelled { oid, schema, name, spelled, labels: Vec::new() });
            }
        }
        if let (Some(labelled), Some(label)) = (&mut self.labelled, label) {
            labelled.labels.push(label.to_owned());
        }
    }

    fn end_type(&mut self) {
        if let Some(Labelled { schema, name, spelled, labels, .. }) = self.labelled.take() {
            self.builder.of_type(&schema, &name, &spelled, labels.iter().map(String::as_str));
        }
    }

    /// A pair of columns of a foreign key.
    fn key(&mut self, oid: u32, from: u32, to: u32, referring: &str, referred: &str) {
        if self.key.as_ref().is_none_or(|key| key.oid != oid) {
            self.end_key();
            if let (Some(from), Some(to)) = (self.builder.identified(from), self.builder.identified(to)) {
                self.key = Some(Key { oid, from, to, columns: Vec::new() });
            }
        }
        if let Some(key) = self.key.as_mut().filter(|key| key.oid == oid) {
            key.columns.push((referring.to_owned(), referred.to_owned()));
        }
    }

    fn end_key(&mut self) {
        if let Some(Key { from, to, columns, .. }) = self.key.take() {
            self.builder.key(from, to, columns.iter().map(|(from, to)| (from.as_str(), to.as_str())));
        }
    }

    fn finish(mut self) -> Catalogue {
        self.end_type();
        self.end_key();
        self.builder.finish()
    }
}
