//! AWS over HTTP on loopback: every request's signature is checked, then RDS, SSM, EC2 or STS answers from the cast in
//! its own protocol and words. It must not know the data channel, the gate or PostgreSQL: sessions go through
//! [`session_door`].

pub mod session_door;
pub mod sigv4;
