//! The real PostgreSQL behind the gates: found on this machine, started in a private folder without a network port,
//! filled with the sandbox's data, and gone with us however we die. It must not know who asks for connections, nor tokens.

mod binaries;
#[cfg(feature = "bundled-postgresql")]
mod bundled;
mod client;
mod folder;
mod seed;
mod server;

pub use binaries::{Binaries, Missing};
pub use client::{Client, ServerError, literal};
pub use folder::Folder;
pub use seed::fill;
pub use server::{ADMINISTRATOR, Postgres, StartError};
