//! Writing XML. It must not know what is written.

use std::fmt::{Display, Write};

/// A document being written.
#[derive(Debug, Default)]
pub struct Xml {
    text: String,
}

impl Xml {
    /// An element with others in it.
    pub fn element(&mut self, name: &str, inner: impl FnOnce(&mut Xml)) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
        inner(self);
        self.close(name);
    }

    /// The root element, in a namespace.
    pub fn root(&mut self, name: &str, namespace: &str, inner: impl FnOnce(&mut Xml)) {
        self.text.push_str(&format!("<{name} xmlns=\"{namespace}\">"));
        inner(self);
        self.close(name);
    }

    /// An element with text in it.
    pub fn text(&mut self, name: &str, value: impl Display) {
        self.element(name, |xml| {
            write!(Escaped(&mut xml.text), "{value}").expect("writing to a String cannot fail");
        });
    }

    /// The same, where there is something to say.
    pub fn text_if(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// An element with one element for each of `items`.
    pub fn list<T>(&mut self, name: &str, item: &str, items: impl IntoIterator<Item = T>, inner: impl Fn(&mut Xml, T)) {
        self.element(name, |xml| {
            for value in items {
                xml.element(item, |xml| inner(xml, value));
            }
        });
    }

    /// An element with one text element for each of `items`.
    pub fn texts<T: Display>(&mut self, name: &str, item: &str, items: impl IntoIterator<Item = T>) {
        self.element(name, |xml| {
            for value in items {
                xml.text(item, value);
            }
        });
    }

    /// The document.
    pub fn finish(self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", self.text)
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut xml = Xml::default();
        xml.root("a", "urn:x", |xml| {
            xml.text("b", "<&>\"é");
            xml.text_if("c", None::<&str>);
            xml.texts("d", "e", [1, 2]);
        });
        assert!(xml.finish().ends_with("<a xmlns=\"urn:x\"><b>&lt;&amp;&gt;&quot;é</b><d><e>1</e><e>2</e></d></a>\n"));
    }
}
