//! A request to an AWS service as it came, and its parameters in the Query protocol. It must not know any service.

use crate::sandbox::aws::answer::Failure;
use percent_encoding::percent_decode_str;

/// A request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path as received.
    pub path: String,
    /// Query as received, without `?`.
    pub query: String,
    /// Headers in the order received.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The parameters of the Query protocol: the form in the body, and what the query says.
    pub fn parameters(&self) -> Parameters {
        let mut pairs = form(&String::from_utf8_lossy(&self.body));
        pairs.extend(form(&self.query));
        Parameters { pairs }
    }
}

/// `application/x-www-form-urlencoded`, decoded.
fn form(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Parameters of the Query protocol: `Name`, `Name.N`, `Name.N.Part`.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

/// One filter: a name and the values of which one must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// Any of these.
    pub values: Vec<String>,
}

impl Filter {
    /// Whether one of the values is `candidate`.
    pub fn admits(&self, candidate: &str) -> bool {
        self.values.iter().any(|value| value.eq_ignore_ascii_case(candidate))
    }
}

impl Parameters {
    /// One value; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A whole number between `least` and `most`, or `usual`.
    pub fn number(&self, name: &str, least: usize, most: usize, usual: usize) -> Result<usize, Failure> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
            Failure::new(
                400,
                "InvalidParameterValue",
                format!("Invalid value {text} for {name}. Must be between {least} and {most}"),
            )
        })
    }

    /// `PREFIX.1`, `PREFIX.2`, … by number.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let mut found: Vec<(u32, String)> = self
            .pairs
            .iter()
            .filter_map(|(key, value)| {
                let number = key.strip_prefix(prefix)?.strip_prefix('.')?.parse().ok()?;
                Some((number, value.clone()))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// `PREFIX.N.Name` with `PREFIX.N.VALUES.M`.
    pub fn filters(&self, prefix: &str, values: &str) -> Vec<Filter> {
        let mut numbers: Vec<(u32, String)> = self
            .pairs
            .iter()
            .filter_map(|(key, name)| {
                let number = key.strip_prefix(prefix)?.strip_prefix('.')?.strip_suffix(".Name")?.parse().ok()?;
                Some((number, name.clone()))
            })
            .collect();
        numbers.sort();
        numbers
            .into_iter()
            .map(|(number, name)| Filter { name, values: self.list(&format!("{prefix}.{number}.{values}")) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_and_lists_are_read_by_number() {
        let parameters = Parameters {
            pairs: form(
                "Filters.Filter.2.Name=engine&Filters.Filter.2.Values.Value.2=postgres&Filters.Filter.2.Values.Value.1=a+b%2B\
                 &Filters.Filter.10.Name=domain&InstanceId.11=k&InstanceId.9=i&Empty=",
            ),
        };
        let filters = parameters.filters("Filters.Filter", "Values.Value");
        assert_eq!(filters[0], Filter { name: "engine".into(), values: vec!["a b+".into(), "postgres".into()] });
        assert_eq!(filters[1], Filter { name: "domain".into(), values: Vec::new() });
        assert_eq!(parameters.list("InstanceId"), ["i", "k"]);
        assert_eq!(parameters.get("Empty"), None);
        assert!(parameters.number("MaxRecords", 20, 100, 100).is_ok_and(|number| number == 100));
    }
}
