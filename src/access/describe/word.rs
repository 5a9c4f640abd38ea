//! A word of the family, taken apart: what it asks about, and its modifiers. It must not know the server.

/// What a word asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Family {
    /// `\d NAME`; the list without a name.
    Relation,
    /// `\dt` and any of its kin together: `tvmisE`.
    Relations(String),
    /// `\df`, with `anptw`.
    Functions(String),
    /// `\dP`, with `itn`.
    Partitioned(String),
    /// `\l`.
    Databases,
    /// `\dn`.
    Schemas,
    /// `\du`, `\dg`.
    Roles,
    /// `\drg`.
    RoleGrants,
    /// `\drds`.
    RoleSettings,
    /// `\db`.
    Tablespaces,
    /// `\dconfig`.
    Parameters,
    /// `\da`.
    Aggregates,
    /// `\do`.
    Operators,
    /// `\dT`.
    Types,
    /// `\dD`.
    Domains,
    /// `\dC`.
    Casts,
    /// `\dc`.
    Conversions,
    /// `\dO`.
    Collations,
    /// `\dL`.
    Languages,
    /// `\dx`.
    Extensions,
    /// `\dy`.
    EventTriggers,
    /// `\dd`.
    Descriptions,
    /// `\dl`.
    LargeObjects,
    /// `\dp`, `\z`.
    Privileges,
    /// `\ddp`.
    DefaultPrivileges,
    /// `\dRp`.
    Publications,
    /// `\dRs`.
    Subscriptions,
    /// `\dew`.
    Wrappers,
    /// `\des`.
    Servers,
    /// `\deu`.
    UserMappings,
    /// `\det`.
    ForeignTables,
    /// `\dX`.
    Statistics,
    /// `\dF`.
    TextSearchConfigurations,
    /// `\dFp`.
    TextSearchParsers,
    /// `\dFd`.
    TextSearchDictionaries,
    /// `\dFt`.
    TextSearchTemplates,
    /// `\dA`.
    AccessMethods,
    /// `\sf`.
    FunctionSource,
    /// `\sv`.
    ViewSource,
}

/// A word with its modifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it asks about.
    pub family: Family,
    /// `+`.
    pub more: bool,
    /// `S`: the system's own too.
    pub system: bool,
}

impl Word {
    /// `None` when it is none of the family's. Modifiers may stand in any order after the word, as in psql.
    pub fn parse(text: &str) -> Option<Word> {
        let more = text.contains('+');
        let bare: String = text.chars().filter(|c| *c != '+').collect();
        let (stem, system) = match bare.strip_prefix('d') {
            Some(rest) if rest.contains('S') => (format!("d{}", rest.replace('S', "")), true),
            _ if bare == "zS" => ("z".to_owned(), true),
            _ => (bare, false),
        };
        // A `+` before the letters is none of psql's words.
        if text.starts_with('+') || (more && text.trim_end_matches(['+', 'S']).contains('+')) {
            return None;
        }
        let family = match stem.as_str() {
            "l" | "list" => Family::Databases,
            "z" => Family::Privileges,
            "sf" => Family::FunctionSource,
            "sv" => Family::ViewSource,
            "d" => Family::Relation,
            "dn" => Family::Schemas,
            "du" | "dg" => Family::Roles,
            "drg" => Family::RoleGrants,
            "drds" => Family::RoleSettings,
            "db" => Family::Tablespaces,
            "dconfig" => Family::Parameters,
            "da" => Family::Aggregates,
            "do" => Family::Operators,
            "dT" => Family::Types,
            "dD" => Family::Domains,
            "dC" => Family::Casts,
            "dc" => Family::Conversions,
            "dO" => Family::Collations,
            "dL" => Family::Languages,
            "dx" => Family::Extensions,
            "dy" => Family::EventTriggers,
            "dd" => Family::Descriptions,
            "dl" => Family::LargeObjects,
            "dp" => Family::Privileges,
            "ddp" => Family::DefaultPrivileges,
            "dRp" => Family::Publications,
            "dRs" => Family::Subscriptions,
            "dew" => Family::Wrappers,
            "des" => Family::Servers,
            "deu" => Family::UserMappings,
            "det" => Family::ForeignTables,
            "dX" => Family::Statistics,
            "dF" => Family::TextSearchConfigurations,
            "dFp" => Family::TextSearchParsers,
            "dFd" => Family::TextSearchDictionaries,
            "dFt" => Family::TextSearchTemplates,
            "dA" => Family::AccessMethods,
            _ => {
                let letters = stem.strip_prefix('d')?;
                let of = |known: &str, letters: &str| letters.chars().all(|letter| known.contains(letter));
                match letters.chars().next()? {
                    'f' if of("anptw", &letters[1..]) => Family::Functions(letters[1..].to_owned()),
                    'P' if of("itn", &letters[1..]) => Family::Partitioned(letters[1..].to_owned()),
                    _ if of("tvmisE", letters) => Family::Relations(letters.to_owned()),
                    _ => return None,
                }
            }
        };
        Some(Word { family, more, system })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_modifiers() {
        let word = |text: &str| Word::parse(text).unwrap_or_else(|| panic!("{text} is a word"));
        assert_eq!(word("dS+"), Word { family: Family::Relation, more: true, system: true });
        assert_eq!(word("dtvE+"), Word { family: Family::Relations("tvE".to_owned()), more: true, system: false });
        assert_eq!(word("dfwS"), Word { family: Family::Functions("w".to_owned()), more: false, system: true });
        assert_eq!(word("l+").family, Family::Databases);
        assert_eq!(word("dTS+").family, Family::Types);
        assert_eq!(word("ds").family, Family::Relations("s".to_owned()));
        for none in ["", "x", "dq", "d+t", "watch", "lS", "dtq", "dfz", "+", "sfS", "conninfo"] {
            assert_eq!(Word::parse(none), None, "{none}");
        }
    }
}
