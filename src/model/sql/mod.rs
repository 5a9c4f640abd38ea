//! PostgreSQL's lexical structure, as far as colours, splitting and guards need it. It never fails: half-typed text has
//! tokens too. It must not know a terminal or a server.
