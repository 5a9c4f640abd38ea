//! What the server is asked for its names: system catalogues of PostgreSQL 11 and later (documentation, chapter "System
//! Catalogs"). Sent as one text, so that all of it is of one moment; columns come last, for they are the most. It must
//! not know what becomes of the rows.

/// What rows are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Schema.
    Path,
    /// Name.
    Schemas,
    /// OID, schema, name, relkind.
    Relations,
    /// OID, schema, name, spelled, whether it is offered, a label of an enum. Rows of one type come together.
    Types,
    /// Schema, name, arguments, result, prokind.
    Functions,
    /// OID, OID of the referring and the referred relation, column there and here. Rows of one key come together.
    Keys,
    /// Name, value, vartype, values, description.
    Settings,
    /// Name.
    Roles,
    /// Name.
    Databases,
    /// Name.
    Extensions,
    /// OID of the relation, name, OID of the type. Rows of one relation come together.
    Columns,
}

/// In the order in which they are sent.
pub(super) static QUERIES: &[(Section, &str)] = &[
    (Section::Path, "select s from unnest(pg_catalog.current_schemas(true)) with ordinality p(s, n) order by n"),
    (
        Section::Schemas,
        "select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_(toast|temp)' order by nspname",
    ),
    (
        Section::Relations,
        "select c.oid, n.nspname, c.relname, c.relkind from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') and n.nspname !~ '^pg_(toast|temp)'",
    ),
    (
        // Every table has a type of its row, and one of arrays of it: nobody misses them here.
        Section::Types,
        "select t.oid, n.nspname, t.typname, pg_catalog.format_type(t.oid, null), \
         t.typtype <> 'p' and not (t.typelem <> 0 and t.typlen = -1), e.enumlabel \
         from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace \
         left join pg_catalog.pg_type a on a.oid = t.typelem and t.typlen = -1 \
         left join pg_catalog.pg_class c on c.oid = t.typrelid or (t.typrelid = 0 and c.oid = a.typrelid) \
         left join pg_catalog.pg_enum e on e.enumtypid = t.oid \
         where (c.oid is null or c.relkind = 'c') and n.nspname !~ '^pg_(toast|temp)' order by t.oid, e.enumsortorder",
    ),
    (
        // What takes or gives what SQL has no values of (input and output functions and their like) is left out.
        Section::Functions,
        "select n.nspname, p.proname, pg_catalog.pg_get_function_arguments(p.oid), \
         coalesce(pg_catalog.pg_get_function_result(p.oid), ''), p.prokind from pg_catalog.pg_proc p \
         join pg_catalog.pg_namespace n on n.oid = p.pronamespace \
         where n.nspname !~ '^pg_(toast|temp)' and p.prorettype not in (2281, 2275) \
         and not (2281 = any (p.proargtypes)) and not (n.nspname = 'pg_catalog' and 2275 = any (p.proargtypes))",
    ),
    (
        Section::Keys,
        "select c.oid, c.conrelid, c.confrelid, f.attname, t.attname from pg_catalog.pg_constraint c \
         cross join lateral unnest(c.conkey, c.confkey) with ordinality k(f, t, n) \
         join pg_catalog.pg_attribute f on f.attrelid = c.conrelid and f.attnum = k.f \
         join pg_catalog.pg_attribute t on t.attrelid = c.confrelid and t.attnum = k.t \
         where c.contype = 'f' and c.conparentid = 0 order by c.oid, k.n",
    ),
    (
        Section::Settings,
        "select name, setting || coalesce(' ' || unit, ''), vartype, \
         coalesce(pg_catalog.array_to_string(enumvals, ','), ''), short_desc from pg_catalog.pg_settings order by name",
    ),
    (Section::Roles, "select rolname from pg_catalog.pg_roles order by rolname ~ '^(pg|rds)_', rolname"),
    (Section::Databases, "select datname from pg_catalog.pg_database where datallowconn order by datname"),
    (Section::Extensions, "select extname from pg_catalog.pg_extension order by extname"),
    (
        Section::Columns,
        "select a.attrelid, a.attname, a.atttypid from pg_catalog.pg_attribute a \
         join pg_catalog.pg_class c on c.oid = a.attrelid \
         where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') \
         order by a.attrelid, a.attnum",
    ),
];
