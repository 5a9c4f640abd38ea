//! PostgreSQL's lexical structure, as far as colours, splitting and guards need it. It never fails: half-typed text has
//! tokens too. It must not know a terminal or a server.
//!
//! Sources: PostgreSQL documentation, "Lexical Structure" (4.1) and "SQL Key Words" (appendix C); psql's reference page
//! for backslash commands, variables and what ends a statement.

mod arguments;
mod classify;
mod conditions;
mod kept;
mod keyword;
mod lexer;
mod literal;
mod psql;
mod scanner;
mod secret;
mod split;
mod state;
mod token;
mod variables;

pub use arguments::{Arguments, Manner};
pub use classify::{Class, CopyWay, classify};
pub use conditions::Conditions;
pub use kept::{Known, fills_secret, kept};
pub use keyword::{Reserved, keyword};
pub use lexer::{lex_line, numbers_run_into_words, tokens, tokens_of_server};
pub use scanner::{Found, Mark, Query, Scanner};
pub use secret::may_hold_secret;
pub use split::{Ended, Statement, chosen, statement_at, statements};
pub use state::LexState;
pub use token::{Token, TokenKind};
pub use variables::{Variables, boolean};
