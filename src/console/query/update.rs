//! Inputs become orders.

use super::{Input, Order, Pane};

/// Takes one input; gives what is to be done. Pure: no I/O, no clock.
pub fn update(_pane: &mut Pane, _input: Input) -> Vec<Order> {
    Vec::new()
}
