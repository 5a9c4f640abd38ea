//! A transcript for each verb: the real binary against the sandbox, its stdout, stderr and exit status as snapshots. What
//! differs from run to run (ports, times, tokens, folders) is replaced by words. It must not know how a verb works.

#[path = "transcripts/faults.rs"]
mod faults;
#[path = "transcripts/grants.rs"]
mod grants;
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "transcripts/query.rs"]
mod query;
#[path = "transcripts/verbs.rs"]
mod verbs;
