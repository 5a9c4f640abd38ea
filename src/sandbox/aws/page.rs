//! Cutting a list into pages, with an opaque marker for the next. It must not know what is listed.

use super::answer::Failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page, and the marker of the next where there is one.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where it goes on.
    pub next: Option<String>,
}

/// The page of at most `size` that `marker` points at. `list` names what is listed, so that a marker of one list is not
/// taken for another's.
pub fn page<T>(list: &str, items: Vec<T>, size: usize, marker: Option<&str>) -> Result<Paged<T>, Failure> {
    let start = match marker {
        None => 0,
        Some(marker) => read(list, marker)
            .filter(|start| *start < items.len())
            .ok_or_else(|| Failure::new(400, "InvalidParameterValue", "Invalid marker or token"))?,
    };
    let end = items.len().min(start + size);
    let next = (end < items.len()).then(|| URL_SAFE_NO_PAD.encode(format!("{list}/{end}")));
    Ok(Paged { items: items.into_iter().skip(start).take(size).collect(), next })
}

fn read(list: &str, marker: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?;
    text.strip_prefix(list)?.strip_prefix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let paged = page("n", (0..45).collect(), 20, marker.as_deref()).expect("its own marker");
            seen.extend(paged.items);
            marker = paged.next;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..45).collect::<Vec<_>>());
        let first = page("n", (0..45).collect::<Vec<_>>(), 20, None).expect("first").next;
        assert!(page("other", vec![1; 45], 20, first.as_deref()).is_err());
        assert!(page("n", vec![1; 40], 20, None).expect("first").next.is_some());
        assert!(page("n", vec![1; 20], 20, None).expect("first").next.is_none());
    }
}
