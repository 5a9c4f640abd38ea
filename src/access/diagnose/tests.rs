//! What each failure is said to be, and what can be pasted.
