//! The agent's dials: which streams it has answered, and which of its FINs mean that it could not connect. Pure.
//!
//! It dials for one stream after the other, so what has come for one tells of all before it. A refused dial is flag 3, which
//! names no stream, and then FIN: the flag belongs to the next FIN on a stream that has received no data.

use std::collections::HashMap;

/// One agent's dials.
#[derive(Debug, Default)]
pub struct Dials {
    /// The latest stream that has sent data, and the latest of which anything has come.
    asked: u32,
    answered: u32,
    /// Flags 3 whose FIN has not come yet.
    refusals: usize,
    /// Streams that are gone here and whose FIN from the agent has not come: whether they had received data.
    leaving: HashMap<u32, bool>,
}

impl Dials {
    /// The stream has sent data: an answer is due.
    pub fn asked(&mut self, id: u32) {
        self.asked = self.asked.max(id);
    }

    /// Something has come for it.
    pub fn answered(&mut self, id: u32) {
        // An agent that speaks of streams that never were does not make later ones answered.
        if id <= self.asked {
            self.answered = self.answered.max(id);
        }
    }

    /// Data has come for it, perhaps after it was gone here.
    pub fn received(&mut self, id: u32) {
        self.answered(id);
        if let Some(had) = self.leaving.get_mut(&id) {
            *had = true;
        }
    }

    /// The latest stream of which anything has come, where a later one has asked.
    pub fn unanswered_after(&self) -> Option<u32> {
        (self.asked > self.answered).then_some(self.answered)
    }

    /// Flag 3.
    pub fn refusal(&mut self) {
        self.refusals += 1;
    }

    /// FIN came for a stream that has received data, or not; whether it means that the agent could not connect.
    pub fn is_refused(&mut self, received_data: bool) -> bool {
        let refused = !received_data && self.refusals > 0;
        self.refusals -= usize::from(refused);
        refused
    }

    /// The stream is closed from here; its FIN from the agent is still to come.
    pub fn leave(&mut self, id: u32, received_data: bool) {
        self.leaving.insert(id, received_data);
    }

    /// FIN came; whether it is that of a stream that had left.
    pub fn has_left(&mut self, id: u32) -> bool {
        let Some(received_data) = self.leaving.remove(&id) else { return false };
        self.is_refused(received_data);
        true
    }

    /// Streams whose FIN is still to come.
    #[cfg(test)]
    pub fn leaving(&self) -> usize {
        self.leaving.len()
    }
}
