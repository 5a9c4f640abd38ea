//! The statements that make an object again: which kind of object it is, and what all kinds have in common. It must not
//! know tables.

use super::{Named, Rows, Thing, ask, cell, gone, objects, relation};
use crate::access::Session;
use crate::model::Diagnosis;
use crate::model::completion::{identifier, literal};

/// Statements that make `thing` again, each ended with a semicolon.
pub(super) async fn of(session: &mut Session, thing: &Thing) -> Result<String, Diagnosis> {
    let statements = match thing {
        Thing::Relation(named) => relation::statements(session, named).await?,
        Thing::Function(named, arguments) => objects::function(session, named, arguments).await?,
        Thing::Type(named) => objects::of_type(session, named).await?,
        Thing::Schema(name) => {
            let comment = ask(
                session,
                &format!(
                    "select pg_catalog.obj_description(n.oid, 'pg_namespace') from pg_catalog.pg_namespace n where n.nspname = {}",
                    literal(name)
                ),
            )
            .await?;
            let row = comment.first().ok_or_else(|| gone(name))?;
            let made = format!("CREATE SCHEMA {}", identifier(name));
            std::iter::once(made).chain(self::comment("SCHEMA", &identifier(name), row.first())).collect()
        }
        Thing::Extension(name) => {
            let rows = ask(
                session,
                &format!(
                    "select n.nspname, e.extversion from pg_catalog.pg_extension e \
                     join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = {}",
                    literal(name)
                ),
            )
            .await?;
            let row = rows.first().ok_or_else(|| gone(name))?;
            vec![format!(
                "CREATE EXTENSION {} WITH SCHEMA {} VERSION {}",
                identifier(name),
                identifier(cell(row, 0)),
                literal(cell(row, 1))
            )]
        }
    };
    Ok(statements.iter().map(|statement| format!("{};\n", statement.trim_end().trim_end_matches(';'))).collect())
}

/// `COMMENT ON … IS …`, where there is a comment.
pub(super) fn comment(kind: &str, name: &str, text: Option<&Option<String>>) -> Option<String> {
    let text = text.and_then(Option::as_ref)?;
    Some(format!("COMMENT ON {kind} {name} IS {}", literal(text)))
}

/// A name with its schema, as it is written in a statement.
pub(super) fn written(named: &Named) -> String {
    format!("{}.{}", identifier(&named.schema), identifier(&named.name))
}

/// The one row of an answer.
pub(super) fn one(rows: Rows, of: &Named) -> Result<Vec<Option<String>>, Diagnosis> {
    rows.into_iter().next().ok_or_else(|| gone(&written(of)))
}
