//! Messages of a server that has not let us in yet, read whole and within bounds: whoever answers before the login is
//! trusted with no memory. It must not know what they mean.

use super::error::Error;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest message taken before ReadyForQuery. libpq takes 30,000 bytes of an error and 2,000 of a request to
/// authenticate (`fe-connect.c`); nothing honest comes near.
pub(super) const LONGEST: usize = 64 * 1024;

/// So much in all: a greeting is a few kilobytes.
const LONGEST_GREETING: usize = 1 << 20;

/// One message.
pub(super) struct Frame {
    /// Its type.
    pub(super) kind: u8,
    /// Type, length and body.
    pub(super) whole: Bytes,
}

impl Frame {
    /// What follows type and length.
    pub(super) fn body(&self) -> &[u8] {
        &self.whole[5..]
    }
}

/// What was read and not taken yet.
#[derive(Default)]
pub(super) struct Frames {
    read: BytesMut,
    taken: usize,
    /// Whether a statement may have been asked for.
    answers: bool,
}

impl Frames {
    /// From here on a statement may be complete.
    pub(super) fn hears_answers(&mut self) {
        self.answers = true;
    }

    /// The next message. Cancel-safe.
    pub(super) async fn next(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> Result<Frame, Error> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            match wire.read_buf(&mut self.read).await {
                Ok(0) => return Err(Error::ended()),
                Ok(_) => {}
                Err(error) => return Err(Error::Wire(error)),
            }
        }
    }

    fn take(&mut self) -> Result<Option<Frame>, Error> {
        let Some((kind, length)) = self.read.first().zip(self.read.get(1..5)) else { return Ok(None) };
        let (kind, length) = (*kind, (&mut &length[..]).get_u32() as usize);
        if !(b"RSKZENv".contains(&kind) || self.answers && kind == b'C') {
            return Err(Error::garbled(&format!("a message of type {kind:#04x} during the login")));
        }
        if !(4..=LONGEST).contains(&length) {
            return Err(Error::garbled(&format!("a message of {length} bytes during the login")));
        }
        if self.read.len() <= length {
            return Ok(None);
        }
        self.taken += length;
        if self.taken > LONGEST_GREETING {
            return Err(Error::garbled("a greeting of more than a mebibyte"));
        }
        Ok(Some(Frame { kind, whole: self.read.split_to(length + 1).freeze() }))
    }

    /// What came behind the last message.
    pub(super) fn rest(self) -> Bytes {
        self.read.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_whole_and_within_bounds() {
        let mut frames = Frames::default();
        let mut wire: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05Ixy";
        let first = frames.next(&mut wire).await.expect("whole");
        assert_eq!((first.kind, first.body()), (b'R', &[0, 0, 0, 0][..]));
        assert_eq!(frames.next(&mut wire).await.expect("whole").body(), b"I");
        assert_eq!(&frames.rest()[..], b"xy");
        let mut complete: &[u8] = b"C\0\0\0\x08SET\0";
        assert!(Frames::default().next(&mut complete.to_vec().as_slice()).await.is_err(), "nobody asked");
        let mut frames = Frames::default();
        frames.hears_answers();
        assert_eq!(frames.next(&mut complete).await.expect("whole").kind, b'C');
        for (wrong, what) in [
            (&b"HTTP/1.1 400"[..], "type 0x48"),
            (b"R\x40\0\0\0", "1073741824 bytes"),
            (b"E\0\0\0\x03", "3 bytes"),
            (b"R\0\0", "closed the connection"),
        ] {
            let mut wire = wrong;
            let error = Frames::default().next(&mut wire).await.err().expect("refused").to_string();
            assert!(error.contains(what), "{error}");
        }
        let many = b"S\0\0\x20\0".iter().copied().chain(std::iter::repeat_n(0, 8188)).collect::<Vec<u8>>().repeat(200);
        let (mut frames, mut wire) = (Frames::default(), &many[..]);
        let error = loop {
            if let Err(error) = frames.next(&mut wire).await {
                break error.to_string();
            }
        };
        assert!(error.contains("more than a mebibyte"), "{error}");
    }
}
