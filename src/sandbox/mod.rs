//! The shed: a neighbour that speaks the real protocols on loopback: AWS over HTTP, the SSM data channel with the real
//! agent's habits, the gate (TLS, IAM tokens) and a real PostgreSQL. The house has no word for it; it reaches the house
//! the way AWS does, over sockets. It may import `model` and `ssm`'s pure codecs.

pub mod aws;
pub mod cast;
pub mod clock;
pub mod faults;
pub mod keys;
pub mod postgres;
