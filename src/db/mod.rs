//! TLS and PostgreSQL over any wire. Only here: `tokio_postgres`. It must not know AWS, tunnels, nor what its errors
//! are called on a screen.
//!
//! The way from a wire to rows is a line of types, each made only from the one before it:
//! [`Transport`] → [`secure`] → [`Secured`] → [`Secured::login`] → [`Session`] → [`Session::run`] → [`Running`].
//! There is no way to a login that does not pass certificate and name check, and no setting that weakens it.
//!
//! Between TLS and `tokio_postgres` sits a tap that reads along what the server says, because the simple query
//! protocol's client hides what people need to see: types, command tags, the transaction's state, notices in order.

mod authentication;
mod cancel;
mod certificate;
mod chain;
mod error;
mod frames;
mod greeting;
mod hello;
mod joined;
mod ledger;
mod local_tls;
mod login;
mod roots;
mod running;
mod secure;
mod session;
mod startup;
mod tap;

pub use authentication::Credential;
pub use cancel::CancelKey;
pub use chain::chain;
pub use error::{Error, ServerError};
pub use greeting::{LoggedIn, Stream};
pub use local_tls::LocalTls;
pub use login::Login;
pub use roots::{Root, Roots};
pub use running::Running;
pub use secure::{Secured, inspect, secure};
pub use session::Session;
pub use startup::{Protocol, Startup, takes_options};
pub use tap::{Heard, Tap};

use tokio::io::{AsyncRead, AsyncWrite};

/// Any wire.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}
