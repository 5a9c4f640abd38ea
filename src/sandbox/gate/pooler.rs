//! What an RDS Proxy does in the database's place: it holds the client's token against its own name, in its own words, then
//! logs in to the database by its own means, a secret's password or a token of its role. It must not know TLS.
//!
//! RDS User Guide, "Configuring IAM authentication for RDS Proxy" and "Troubleshooting RDS Proxy". What it cannot play: the
//! proxy's own check of a password (the database behind holds it against the same one, in its own words), and its role's
//! policy, which allows all.

use super::startup::{CLEARTEXT_PASSWORD, Startup, read_password};
use super::{Admitted, Doorkeeper, farewell};
use crate::sandbox::cast::Pooler;
use crate::sandbox::secrets::APPLICATION_PASSWORD;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

/// AuthenticationOk, SASL, SASLContinue, SASLFinal (PostgreSQL, "Message Formats").
const OK: u32 = 0;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;
/// Longer than anything a server says before it is ready.
const LONGEST: u32 = 1 << 16;

impl Doorkeeper {
    /// A client of the proxy; both ends when it may go on.
    pub(super) async fn pool<S>(&self, mut client: S, startup: Startup, pooler: &Pooler) -> io::Result<Admitted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let user = startup.user().to_owned();
        if !pooler.end_to_end && !pooler.secrets.contains(&user.as_str()) {
            let message = format!(
                "This RDS proxy has no credentials for the role {user}. Check the credentials for this role and try again."
            );
            return farewell(client, "28P01", &message).await.map(|()| None);
        }
        if !self.spec.iam {
            return self.pass(client, startup).await;
        }
        client.write_all(&CLEARTEXT_PASSWORD).await?;
        client.flush().await?;
        let token = read_password(&mut client).await?;
        if !self.opens(&self.spec, &token, &user) {
            let message = format!(
                "The IAM authentication failed for the role {user}. Check the IAM token for this role and try again."
            );
            return farewell(client, "28P01", &message).await.map(|()| None);
        }
        let iam = self.behind.changes.takes_tokens(&self.spec.region, &pooler.writer, pooler.writer_iam);
        if self.takes_tokens(&user).await.map_err(io::Error::other)? {
            // With rds_iam, a token is what the database wants, and not the secret's password.
            if pooler.end_to_end && iam {
                return self.pass(client, startup).await;
            }
            let message = format!("PAM authentication failed for user \"{user}\"");
            return farewell(client, "28000", &message).await.map(|()| None);
        }
        let password = if pooler.end_to_end { token } else { APPLICATION_PASSWORD.to_owned() };
        let mut server = self.server(startup).await?;
        match scram(&mut server, &password).await? {
            Ok(entered) => {
                client.write_all(&entered).await?;
                client.flush().await?;
                Ok(Some((client, server)))
            }
            Err(refused) => {
                client.write_all(&refused).await?;
                client.shutdown().await.map(|()| None)
            }
        }
    }
}

/// Logs in; AuthenticationOk, or the server's ErrorResponse, each whole.
async fn scram(server: &mut UnixStream, password: &str) -> io::Result<Result<Vec<u8>, Vec<u8>>> {
    let mut exchange = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    loop {
        let (kind, body) = message(server).await?;
        let mut out = bytes::BytesMut::new();
        match (kind, body.split_first_chunk::<4>().map(|(code, rest)| (u32::from_be_bytes(*code), rest))) {
            (b'E', _) => return Ok(Err(framed(kind, &body)?)),
            (b'R', Some((OK, _))) => return Ok(Ok(framed(kind, &body)?)),
            (b'R', Some((SASL, _))) => frontend::sasl_initial_response(SCRAM_SHA_256, exchange.message(), &mut out)?,
            (b'R', Some((SASL_CONTINUE, data))) => {
                exchange.update(data)?;
                frontend::sasl_response(exchange.message(), &mut out)?;
            }
            (b'R', Some((SASL_FINAL, data))) => exchange.finish(data)?,
            _ => return Err(io::Error::other("the private server asks for something else than SCRAM")),
        }
        server.write_all(&out).await?;
    }
}

async fn message(server: &mut UnixStream) -> io::Result<(u8, Vec<u8>)> {
    let (kind, length) = (server.read_u8().await?, server.read_u32().await?);
    let length = length.checked_sub(4).filter(|length| *length <= LONGEST);
    let mut body = vec![0; length.ok_or_else(|| io::Error::other("a message that is none"))? as usize];
    server.read_exact(&mut body).await?;
    Ok((kind, body))
}

fn framed(kind: u8, body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    Ok([&[kind], &length.to_be_bytes()[..], body].concat())
}
