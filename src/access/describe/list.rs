//! A word that is answered by one query: its title and the query. It must not know what it lists.

use super::server::Server;
use super::{Printed, Refused};

/// What is to be asked and how it is headed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The title.
    pub title: &'static str,
    /// The query; its columns are what is printed.
    pub query: String,
}

impl List {
    /// Asks.
    pub async fn print(&self, server: &mut Server<'_>) -> Result<Printed, Refused> {
        let answer = server.ask(&self.query).await?;
        Ok(Printed::counted(self.title, answer))
    }
}
