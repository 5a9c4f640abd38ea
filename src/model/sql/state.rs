//! What the lexer must remember from one piece of text to the next: the construct it is inside, and as much of the
//! statement's beginning as psql needs to know where statements end. It must not know where tokens begin.

/// Where a lexer stands between two lines. Small and `Copy`: an editor keeps one a line and lexes again only from the
/// line that changed until a line ends in the state it ended in before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LexState {
    pub(super) mode: Mode,
    /// Something of a statement was seen.
    begun: bool,
    lead: Lead,
    /// Open parentheses.
    depth: u16,
    /// Open `BEGIN ATOMIC` and, within one, `CASE`.
    body: u16,
    /// The last word was `BEGIN`.
    begin: bool,
    /// The last token was a full stop: a key word after it is a plain name.
    pub(super) dotted: bool,
    pub(super) joint: Joint,
    /// Inline data begins with the next line.
    pub(super) data_next: bool,
}

/// The construct that the next character belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    #[default]
    Sql,
    /// `/* … */`, so many deep; no text is long enough for more.
    Comment(u32),
    /// `'…'` in which a backslash is a plain character.
    Quote,
    /// `E'…'`.
    Escape,
    /// `"…"`.
    Identifier,
    /// `$tag$…$tag$`. The tag by length and hash, so that the state stays `Copy` whatever the tag's length.
    Dollar { len: u32, hash: u64 },
    /// Inline data of `COPY … FROM STDIN`.
    Data,
}

/// SQL joins string literals that are apart by a line's end, and the later ones keep the rules of the first
/// (`E'a'⏎'b\''`). Only `E'…'` lexes differently, so only that is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Joint {
    #[default]
    None,
    /// An `E'…'` was closed.
    Closed,
    /// … and a line has ended since.
    NewLine,
}

/// What a statement began with, as far as it decides where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Lead {
    #[default]
    Start,
    Create,
    CreateOr,
    CreateOrReplace,
    /// `CREATE [OR REPLACE] {FUNCTION|PROCEDURE}`: a `BEGIN ATOMIC` body may follow.
    Routine,
    Copy,
    CopyFrom,
    CopyFromStdin,
    Other,
}

impl LexState {
    /// Whether the next character begins a token of its own, in a statement or between two.
    pub fn is_plain(&self) -> bool {
        self.mode == Mode::Sql
    }

    /// Whether nothing of a statement was seen yet.
    pub fn is_between_statements(&self) -> bool {
        self.mode == Mode::Sql && !self.begun
    }

    /// Whether a semicolon now would not end the statement.
    pub(super) fn is_nested(&self) -> bool {
        self.depth > 0 || self.body > 0
    }

    pub(super) fn open(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The statement was sent: by `;` or a command such as `\g`.
    pub(super) fn send(&mut self) {
        self.data_next |= self.lead == Lead::CopyFromStdin;
        self.forget();
    }

    /// The statement has ended without being sent.
    pub(super) fn forget(&mut self) {
        (self.begun, self.lead, self.depth, self.body, self.begin) = (false, Lead::Start, 0, 0, false);
    }

    /// A token that is no unquoted word.
    pub(super) fn no_word(&mut self) {
        (self.begun, self.begin) = (true, false);
        if self.lead == Lead::CopyFrom {
            self.lead = Lead::Other;
        }
    }

    /// An unquoted word that does not follow a full stop.
    pub(super) fn word(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        let after_begin = std::mem::take(&mut self.begin);
        self.begun = true;
        self.lead = match self.lead {
            Lead::Start if is("create") => Lead::Create,
            Lead::Start if is("copy") => Lead::Copy,
            Lead::Create if is("or") => Lead::CreateOr,
            Lead::CreateOr if is("replace") => Lead::CreateOrReplace,
            Lead::Create | Lead::CreateOrReplace if is("function") || is("procedure") => Lead::Routine,
            Lead::Routine => {
                if self.depth == 0 {
                    if is("begin") {
                        self.begin = true;
                    } else if (after_begin && is("atomic")) || (self.body > 0 && is("case")) {
                        self.body = self.body.saturating_add(1);
                    } else if is("end") {
                        self.body = self.body.saturating_sub(1);
                    }
                }
                Lead::Routine
            }
            Lead::Copy if self.depth == 0 && is("from") => Lead::CopyFrom,
            Lead::Copy => Lead::Copy,
            // The grammar takes either word for the client's side (gram.y, copy_file_name).
            Lead::CopyFrom if is("stdin") || is("stdout") => Lead::CopyFromStdin,
            Lead::CopyFromStdin => Lead::CopyFromStdin,
            _ => Lead::Other,
        };
    }
}
