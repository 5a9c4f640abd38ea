//! The tap hears the same whatever the chunks, and nothing makes it panic.

use gatepost::db::{Heard, Tap};
use gatepost::model::Transaction;
use proptest::prelude::*;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// Everything heard, pieces of COPY data joined.
fn hear(chunks: &[&[u8]]) -> Vec<Heard> {
    let mut tap = Tap::default();
    let mut heard: Vec<Heard> = Vec::new();
    for chunk in chunks {
        tap.feed(chunk, |one| match (heard.last_mut(), one) {
            (Some(Heard::CopyBytes(before)), Heard::CopyBytes(more)) => before.extend(more),
            (_, one) => heard.push(one),
        });
    }
    heard
}

#[test]
fn each_message_is_heard() {
    let mut columns = vec![0, 2];
    for (name, oid) in [("a", 23_u32), ("größe", 1700)] {
        columns.extend_from_slice(name.as_bytes());
        columns.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0]);
        columns.extend_from_slice(&oid.to_be_bytes());
        columns.extend_from_slice(&[0, 4, 255, 255, 255, 255, 0, 0]);
    }
    let stream = [
        message(b'R', &[0, 0, 0, 0]),
        message(b'S', b"TimeZone\0UTC\0"),
        message(b'K', &[0, 0, 1, 2, 9, 8, 7, 6, 5]),
        message(b'Z', b"I"),
        message(b'T', &columns),
        message(b'D', &[0, 1, 255, 255, 255, 255]),
        message(b'N', b"SNOTICE\0C00000\0Mhello\0\0"),
        message(b'A', b"\0\0\0\x05news\0x\0"),
        message(b'C', b"SELECT 1\0"),
        message(b'I', b""),
        message(b'H', &[0, 0, 0]),
        message(b'd', b"1\n"),
        message(b'd', b""),
        message(b'c', b""),
        message(b'G', &[0, 0, 0]),
        message(b'E', b"SERROR\0C42601\0Mno\0P3\0\0"),
        message(b'Z', b"E"),
        message(b'Z', b"T"),
    ]
    .concat();
    let heard = hear(&[&stream]);
    let names: Vec<String> = heard
        .iter()
        .map(|one| match one {
            Heard::Authentication(kind) => format!("auth {kind}"),
            Heard::Parameter { name, value } => format!("{name}={value}"),
            Heard::Key { pid, secret } => format!("key {pid} {secret:?}"),
            Heard::Columns(types) => format!("{:?}", types.iter().map(|(oid, _)| *oid).collect::<Vec<_>>()),
            Heard::Notice(notice) => format!("{} {}", notice.severity, notice.message),
            Heard::Complete(tag) => tag.clone(),
            Heard::CopyBytes(bytes) => format!("copy {bytes:?}"),
            Heard::Error(error) => format!("{} at {:?}", error.message, error.position),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        [
            "auth 0",
            "TimeZone=UTC",
            "key 258 [9, 8, 7, 6, 5]",
            "Ready(Idle)",
            "[23, 1700]",
            "Row",
            "NOTICE hello",
            "NOTIFY news: x",
            "SELECT 1",
            "Empty",
            "Copy",
            "Copy",
            "copy [49, 10]",
            "Copy",
            "Copy",
            "Copy",
            "CopyIn",
            "no at Some(2)",
            "Ready(Failed)",
            "Ready(Open)",
        ]
    );
    assert_eq!(heard.last(), Some(&Heard::Ready(Transaction::Open)));
}

#[test]
fn a_giant_is_cut_and_a_wrong_length_ends_it() {
    let mut giant = b"SNOTICE\0M".to_vec();
    giant.resize(5 << 20, b'x');
    match &hear(&[&message(b'N', &giant), &message(b'Z', b"I")])[..] {
        [Heard::Notice(notice), Heard::Ready(_)] => assert!(notice.message.len() < 2 << 20),
        other => panic!("{} things", other.len()),
    }
    assert_eq!(hear(&[b"Z\0\0\0\x03", &message(b'Z', b"I")]), [Heard::Garbled]);
    assert_eq!(hear(&[b"Z\xff\xff\xff\xff"]), [Heard::Garbled]);
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        messages in proptest::collection::vec(
            (proptest::sample::select(b"RSKZTDNACIHdcGEWXv1".to_vec()), proptest::collection::vec(any::<u8>(), 0..40)),
            0..20,
        ),
        cuts in proptest::collection::vec(1usize..9, 0..400),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|(kind, body)| message(*kind, body)).collect();
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            chunks.push(now);
            rest = later;
        }
        chunks.push(rest);
        prop_assert_eq!(hear(&chunks), hear(&[&stream]));
    }

    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        hear(&[&bytes]);
    }
}
