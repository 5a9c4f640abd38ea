//! As much XML as the EC2 Query API answers with: elements and text, without attributes that matter. It must not know
//! what the elements mean. The sender is AWS over TLS, but depth and entities are bounded all the same.

/// An element with its children and its own text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// Deeper than any answer of EC2 nests.
const DEEPEST: usize = 64;

impl Element {
    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name, if there is any.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// The `<item>`s of the list of that name.
    pub(super) fn items(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.child(name).into_iter().flat_map(|list| &list.children).filter(|child| child.name == "item")
    }

    /// The first descendant of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }
}

/// Parses a document; `None` when it is not well-formed.
pub(super) fn parse(document: &str) -> Option<Element> {
    let mut open: Vec<Element> = vec![Element::default()];
    let mut rest = document;
    while let Some(at) = rest.find('<') {
        let text = unescape(&rest[..at])?;
        open.last_mut()?.text.push_str(&text);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = &after[after.find("-->")? + 3..];
        } else if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let end = after.find("]]>")?;
            open.last_mut()?.text.push_str(&after[..end]);
            rest = &after[end + 3..];
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            rest = &rest[rest.find('>')? + 1..];
        } else if let Some(after) = rest.strip_prefix("</") {
            let end = after.find('>')?;
            let done = open.pop()?;
            if done.name != local(after[..end].trim()) {
                return None;
            }
            open.last_mut()?.children.push(done);
            rest = &after[end + 1..];
        } else {
            let end = tag_end(rest)?;
            let inside = &rest[1..end];
            let (inside, empty) = match inside.strip_suffix('/') {
                Some(inside) => (inside, true),
                None => (inside, false),
            };
            let name = inside.split_whitespace().next()?;
            let element = Element { name: local(name).to_owned(), ..Element::default() };
            if empty {
                open.last_mut()?.children.push(element);
            } else {
                if open.len() > DEEPEST {
                    return None;
                }
                open.push(element);
            }
            rest = &rest[end + 1..];
        }
    }
    let mut root = open.pop()?;
    if !open.is_empty() || root.children.len() != 1 {
        return None;
    }
    root.children.pop()
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Where a start tag ends: `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = at + rest[at..].find(';')?;
        match &rest[at + 1..end] {
            "amp" => out.push('&'),
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "quot" => out.push('"'),
            "apos" => out.push('\''),
            number => {
                let digits = number.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => digits.parse(),
                };
                out.push(char::from_u32(code.ok()?)?);
            }
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_ec2_is_read() {
        let root = parse(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n \
             <requestId>1</requestId><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
             <tagSet><item><key>Name</key><value>a &amp; b &#x41;&#66;</value></item></tagSet><kernelId/>\
             </item></instancesSet></item></reservationSet><!-- > --></DescribeInstancesResponse>",
        )
        .expect("well-formed");
        assert_eq!(root.name, "DescribeInstancesResponse");
        let reservation = root.items("reservationSet").next().expect("a reservation");
        let instance = reservation.items("instancesSet").next().expect("an instance");
        assert_eq!(instance.text_of("instanceId"), Some("i-1"));
        assert_eq!(instance.text_of("kernelId"), None);
        let tag = instance.items("tagSet").next().expect("a tag");
        assert_eq!(tag.text_of("value"), Some("a & b AB"));
        assert_eq!(root.find("key").map(|key| key.text.as_str()), Some("Name"));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in ["", "<a>", "<a></b>", "<a/><b/>", "<a>&nope;</a>", "</a>", "<a", &"<a>".repeat(100)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
