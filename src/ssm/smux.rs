//! smux version 1: the codec. Streams inside the channel's one byte stream (payload type 1). Pure, both directions.
//!
//! A frame is `version u8 · command u8 · length u16 · stream u32 · data`, and its integers are **little-endian**, unlike
//! everything around it. Frames are not aligned with messages, so [`Decoder`] takes whatever bytes have come and gives
//! data on as it comes, holding nothing but a part of a header.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes of a header.
pub const HEADER: usize = 8;
/// The most data that one frame may carry between default configurations.
pub const MAX_FRAME: usize = 32_768;
/// The first id that a client gives, as the reference library does: 1 is skipped. The following ones are +2.
pub const FIRST_CLIENT_STREAM: u32 = 3;

const VERSION: u8 = 1;
const SYN: u8 = 0;
const FIN: u8 = 1;
const PSH: u8 = 2;
const NOP: u8 = 3;

/// A piece of what the peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// SYN: the stream is opened.
    Open(u32),
    /// FIN: the stream is closed, both ways.
    Close(u32),
    /// PSH, or a part of one: the next bytes of the stream.
    Data(u32, Bytes),
    /// NOP: a sign of life.
    Nop,
}

/// The byte stream cannot be understood any more; there is no way to find the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Version byte.
    #[error("smux version {0} instead of 1")]
    Version(u8),
    /// Command byte.
    #[error("smux command {0} is unknown")]
    Command(u8),
}

/// A SYN frame.
pub fn open(stream: u32) -> Bytes {
    header(SYN, 0, stream)
}

/// A FIN frame.
pub fn close(stream: u32) -> Bytes {
    header(FIN, 0, stream)
}

/// A NOP frame.
pub fn nop() -> Bytes {
    Bytes::from_static(&[VERSION, NOP, 0, 0, 0, 0, 0, 0])
}

/// PSH frames for all of `data`, each of at most [`MAX_FRAME`] bytes, appended to `out`.
pub fn push(stream: u32, data: &[u8], out: &mut BytesMut) {
    out.reserve(data.len() + data.len().div_ceil(MAX_FRAME) * HEADER);
    for part in data.chunks(MAX_FRAME) {
        out.put_slice(&header_bytes(PSH, u16::try_from(part.len()).expect("MAX_FRAME fits sixteen bits"), stream));
        out.put_slice(part);
    }
}

fn header_bytes(command: u8, length: u16, stream: u32) -> [u8; HEADER] {
    let [l0, l1] = length.to_le_bytes();
    let [s0, s1, s2, s3] = stream.to_le_bytes();
    [VERSION, command, l0, l1, s0, s1, s2, s3]
}

fn header(command: u8, length: u16, stream: u32) -> Bytes {
    Bytes::copy_from_slice(&header_bytes(command, length, stream))
}

/// Takes the byte stream apart.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    header: [u8; HEADER],
    have: usize,
    /// Stream and bytes still to come of the frame that has begun.
    data: Option<(u32, usize)>,
    /// Bytes of a frame of another command than PSH that claims a length: read over.
    skip: usize,
}

impl Decoder {
    /// At the beginning of a frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next piece of `input`, or `None` when all of it is used up. After an error the stream is of no use.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Piece>, Broken> {
        loop {
            if self.skip > 0 {
                let part = self.skip.min(input.len());
                input.advance(part);
                self.skip -= part;
                if self.skip > 0 {
                    return Ok(None);
                }
            }
            if let Some((stream, left)) = self.data {
                if input.is_empty() {
                    return Ok(None);
                }
                let part = input.split_to(left.min(input.len()));
                let left = left - part.len();
                self.data = (left > 0).then_some((stream, left));
                return Ok(Some(Piece::Data(stream, part)));
            }
            let part = (HEADER - self.have).min(input.len());
            input.copy_to_slice(&mut self.header[self.have..self.have + part]);
            self.have += part;
            if self.have < HEADER {
                return Ok(None);
            }
            self.have = 0;
            let [version, command, l0, l1, s0, s1, s2, s3] = self.header;
            if version != VERSION {
                return Err(Broken::Version(version));
            }
            let length = usize::from(u16::from_le_bytes([l0, l1]));
            let stream = u32::from_le_bytes([s0, s1, s2, s3]);
            match command {
                PSH => self.data = (length > 0).then_some((stream, length)),
                SYN | FIN | NOP => self.skip = length,
                other => return Err(Broken::Command(other)),
            }
            match command {
                SYN => return Ok(Some(Piece::Open(stream))),
                FIN => return Ok(Some(Piece::Close(stream))),
                NOP => return Ok(Some(Piece::Nop)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(decoder: &mut Decoder, bytes: Bytes) -> Result<Vec<Piece>, Broken> {
        let mut input = bytes;
        let mut pieces = Vec::new();
        while let Some(piece) = decoder.next(&mut input)? {
            pieces.push(piece);
        }
        Ok(pieces)
    }

    #[test]
    fn integers_are_little_endian() {
        assert_eq!(&open(3)[..], [1, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(&close(0x0102_0304)[..], [1, 1, 0, 0, 4, 3, 2, 1]);
        assert_eq!(&nop()[..], [1, 3, 0, 0, 0, 0, 0, 0]);
        let mut out = BytesMut::new();
        push(5, &[7; 300], &mut out);
        assert_eq!(out[..8], [1, 2, 44, 1, 5, 0, 0, 0]);
    }

    #[test]
    fn large_data_is_cut() {
        let mut out = BytesMut::new();
        push(5, &vec![7; MAX_FRAME + 1], &mut out);
        assert_eq!(out.len(), MAX_FRAME + 1 + 2 * HEADER);
        let pieces = all(&mut Decoder::new(), out.freeze()).expect("our own frames");
        assert_eq!(pieces.len(), 2);
    }

    #[test]
    fn what_is_not_smux_is_said() {
        assert_eq!(all(&mut Decoder::new(), Bytes::from_static(&[2; 8])), Err(Broken::Version(2)));
        assert_eq!(all(&mut Decoder::new(), Bytes::from_static(&[1, 4, 0, 0, 0, 0, 0, 0])), Err(Broken::Command(4)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_all_are_used(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = all(&mut Decoder::new(), bytes.into());
        }

        #[test]
        fn any_slicing_gives_the_same_bytes(
            data in proptest::collection::vec(any::<u8>(), 0..3000), cuts in proptest::collection::vec(1usize..1100, 1..40)
        ) {
            let mut wire = BytesMut::from(&open(3)[..]);
            wire.extend_from_slice(&nop());
            push(3, &data, &mut wire);
            wire.extend_from_slice(&close(3));
            let mut wire = wire.freeze();
            let mut decoder = Decoder::new();
            let mut got = Vec::new();
            let mut others = Vec::new();
            let mut cuts = cuts.into_iter().cycle();
            while !wire.is_empty() {
                let cut = cuts.next().expect("a cycle").min(wire.len());
                for piece in all(&mut decoder, wire.split_to(cut)).expect("our own frames") {
                    match piece {
                        Piece::Data(3, part) => got.extend_from_slice(&part),
                        other => others.push(other),
                    }
                }
            }
            prop_assert_eq!(got, data);
            prop_assert_eq!(others, vec![Piece::Open(3), Piece::Nop, Piece::Close(3)]);
        }
    }
}
