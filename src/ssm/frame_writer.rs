//! Writes frames of ours one behind the other into blocks of memory, so that neither a payload nor a header is copied and
//! no frame is an allocation of its own. It must not know what is written.
//!
//! A block is used again when every frame in it is done with; one that is still held keeps its whole block, so frames that
//! live long (receipts, for the next web socket) and frames that do not are written by two writers.

use super::message::{Message, PREFIX};
use bytes::{BufMut, Bytes, BytesMut};

/// A writer of frames.
#[derive(Debug)]
pub struct FrameWriter {
    block: BytesMut,
    size: usize,
}

impl FrameWriter {
    /// With blocks of so many bytes, or of one frame where that is more.
    pub fn new(size: usize) -> Self {
        Self { block: BytesMut::new(), size }
    }

    /// A frame with the fields of `message` and, for its payload, the at most `most` bytes that `fill` appends.
    pub fn frame(&mut self, message: &Message, most: usize, fill: impl FnOnce(&mut BytesMut)) -> Bytes {
        let needed = PREFIX + most;
        if self.block.capacity() < needed {
            // What is left of the block is too short; `reserve` takes the same memory again where nobody holds it any more.
            self.block.reserve(needed.max(self.size));
        }
        self.block.put_bytes(0, PREFIX);
        fill(&mut self.block);
        message.write_prefix(&mut self.block);
        self.block.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{MessageType, PayloadType};
    use super::*;
    use uuid::Uuid;

    fn message(sequence: i64, payload: Bytes) -> Message {
        let id = Uuid::from_u128(5);
        Message::stream_data(MessageType::InputStreamData, id, 1, sequence, PayloadType::Output, payload)
    }

    #[test]
    fn frames_are_what_the_codec_makes_and_memory_is_used_again() {
        let mut writer = FrameWriter::new(1000);
        let mut blocks = std::collections::HashSet::new();
        for sequence in 0..100 {
            let payload = Bytes::from(vec![sequence as u8; 100]);
            let frame = writer.frame(&message(sequence, Bytes::new()), 200, |out| out.put_slice(&payload));
            assert_eq!(frame, message(sequence, payload).encode());
            blocks.insert(frame.as_ptr() as usize / 4096);
        }
        assert!(blocks.len() < 5, "{} places", blocks.len());
        let large = writer.frame(&message(0, Bytes::new()), 5000, |out| out.put_bytes(7, 5000));
        assert_eq!(large, message(0, vec![7; 5000].into()).encode());
    }
}
