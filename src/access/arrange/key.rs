//! Values as bytes whose order is the values' order: numbers by value, times by time, everything else by code point. It
//! must not know what is sorted or compared.

/// How many bytes of a text take part in a comparison of rows.
pub const MOST: usize = 256;

/// What the text of a type means. Type OIDs are those of pg_type.dat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// int2, int4, int8, float4, float8, numeric, oid, money, xid, cid, xid8.
    Number,
    /// date, timestamp, timestamptz.
    Time,
    /// interval.
    Interval,
    /// pg_lsn.
    Lsn,
    /// All others.
    Text,
}

impl Kind {
    /// Of a type.
    pub fn of(oid: u32) -> Kind {
        match oid {
            20 | 21 | 23 | 26 | 28 | 29 | 700 | 701 | 790 | 1700 | 5069 => Kind::Number,
            1082 | 1114 | 1184 => Kind::Time,
            1186 => Kind::Interval,
            3220 => Kind::Lsn,
            _ => Kind::Text,
        }
    }
}

// First bytes of a key, in their order.
const LEAST: u8 = 1;
const NEGATIVE: u8 = 2;
const ZERO: u8 = 3;
const POSITIVE: u8 = 4;
const MOST_OF_ALL: u8 = 5;
/// numeric and floating point: NaN is above Infinity (PostgreSQL, 8.1.2).
const NAN: u8 = 6;
/// What could not be understood, by its text, after everything that could.
const OTHER: u8 = 7;

/// Appends the key of `text`. Keys of one kind compare as the values do; none is the beginning of another.
pub fn put(out: &mut Vec<u8>, kind: Kind, text: &str) {
    let start = out.len();
    let understood = match kind {
        Kind::Number => number(out, text),
        Kind::Time => instant(text).map(|at| signed(out, at)),
        Kind::Interval => interval(text).map(|length| signed(out, length)),
        Kind::Lsn => lsn(text).map(|at| signed(out, at)),
        Kind::Text => None,
    };
    if understood.is_none() {
        out.truncate(start);
        if kind != Kind::Text {
            out.push(OTHER);
        }
        words(out, &text[..text.floor_char_boundary(MOST)]);
    }
}

/// The key of `text` alone.
pub fn key(kind: Kind, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, kind, text);
    out
}

/// Whether `text` is a value of that kind, spelled as PostgreSQL prints it.
pub fn is_understood(kind: Kind, text: &str) -> bool {
    kind == Kind::Text || key(kind, text).first() != Some(&OTHER)
}

/// PostgreSQL's text has no NUL, so that NUL ends a key before any longer one.
fn words(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn signed(out: &mut Vec<u8>, value: i128) {
    match value {
        i128::MIN => out.push(LEAST),
        i128::MAX => out.push(MOST_OF_ALL),
        value => {
            out.push(POSITIVE);
            // The sign bit turned over makes two's complement compare as unsigned.
            out.extend_from_slice(&((value as u128) ^ (1 << 127)).to_be_bytes());
        }
    }
}

/// A value that its class says all of.
fn one(out: &mut Vec<u8>, class: u8) -> Option<()> {
    out.push(class);
    Some(())
}

/// Decimal text of any length: class, exponent, digits without zeros at either end. Negative numbers have all but the class
/// turned over.
fn number(out: &mut Vec<u8>, text: &str) -> Option<()> {
    match text {
        "NaN" => return one(out, NAN),
        "Infinity" => return one(out, MOST_OF_ALL),
        "-Infinity" => return one(out, LEAST),
        _ => {}
    }
    // money: -$1,234.56
    let negative = text.starts_with('-') || text.starts_with("$-");
    let plain = text.trim_start_matches(['-', '$', '+']);
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (plain, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let valid = |byte: u8| byte.is_ascii_digit() || byte == b',';
    if !whole.bytes().all(valid) || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = || whole.bytes().filter(|byte| *byte != b',').chain(part.bytes());
    let leading = digits().take_while(|digit| *digit == b'0').count();
    let count = digits().count();
    if leading == count {
        return one(out, ZERO);
    }
    let whole_digits = whole.bytes().filter(|byte| *byte != b',').count() as i64;
    let exponent = exponent + whole_digits - leading as i64;
    let trailing = part.bytes().rev().chain(whole.bytes().rev().filter(|byte| *byte != b','));
    let trailing = trailing.take_while(|digit| *digit == b'0').count();
    out.push(if negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&((i32::try_from(exponent).ok()? as u32) ^ (1 << 31)).to_be_bytes());
    out.extend(digits().skip(leading).take((count - leading - trailing).min(MOST)));
    out.push(0);
    if negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Some(())
}

/// Microseconds since 0001-01-01 of a date or timestamp as DateStyle ISO spells it, `BC` and `infinity` too.
fn instant(text: &str) -> Option<i128> {
    match text {
        "infinity" => return Some(i128::MAX),
        "-infinity" => return Some(i128::MIN),
        _ => {}
    }
    let (text, before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok().filter(|_| !part.starts_with('+')));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // 1 BC is year 0.
    let year = if before_christ { 1 - year } else { year };
    let mut at = i128::from(days(year, month, day)) * 86_400_000_000;
    if let Some(time) = time {
        let zone = time.find(['+', '-']);
        let clock = zone.map_or(time, |zone| &time[..zone]);
        at += clock_of(clock)?;
        if let Some(zone) = zone {
            let shift = clock_of(&time[zone + 1..])?;
            at -= if time.as_bytes()[zone] == b'-' { -shift } else { shift };
        }
    }
    Some(at)
}

/// Days of the proleptic Gregorian calendar, from the first of March of year 0; only differences matter.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1
}

/// Microseconds of `04:05:06.789`, of `04` and of `04:05`.
fn clock_of(text: &str) -> Option<i128> {
    let mut total = 0_i128;
    let mut unit = 3_600_000_000_i128;
    for part in text.split(':') {
        let (whole, part) = part.split_once('.').unwrap_or((part, ""));
        total += i128::from(whole.parse::<u64>().ok()?) * unit;
        if !part.is_empty() {
            let digits = part.get(..part.len().min(6))?;
            total += i128::from(digits.parse::<u64>().ok()?) * 10_i128.pow(6 - digits.len() as u32);
        }
        unit /= 60;
    }
    Some(total)
}

/// Microseconds of an interval as IntervalStyle postgres spells it; a month has 30 days, as when PostgreSQL compares.
fn interval(text: &str) -> Option<i128> {
    const DAY: i128 = 86_400_000_000;
    match text {
        "infinity" => return Some(i128::MAX),
        "-infinity" => return Some(i128::MIN),
        _ => {}
    }
    let mut total = 0;
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        if word.contains(':') {
            let clock = clock_of(word.trim_start_matches(['-', '+']))?;
            total += if word.starts_with('-') { -clock } else { clock };
            continue;
        }
        let count = i128::from(word.parse::<i64>().ok()?);
        total += count
            * match words.next()? {
                "year" | "years" => 360 * DAY,
                "mon" | "mons" => 30 * DAY,
                "day" | "days" => DAY,
                _ => return None,
            };
    }
    Some(total)
}

fn lsn(text: &str) -> Option<i128> {
    let (high, low) = text.split_once('/')?;
    Some((i128::from(u32::from_str_radix(high, 16).ok()?) << 32) | i128::from(u32::from_str_radix(low, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// In ascending order as PostgreSQL has it.
    fn ascending(kind: Kind, values: &[&str]) {
        for pair in values.windows(2) {
            assert!(key(kind, pair[0]) < key(kind, pair[1]), "{kind:?}: {} before {}", pair[0], pair[1]);
        }
        assert!(values.iter().all(|value| is_understood(kind, value)), "{values:?}");
    }

    #[test]
    fn values_sort_as_the_server_sorts_them() {
        let numbers = [
            "-Infinity",
            "-1e+300",
            "-12345678901234567890.5",
            "-10",
            "-9",
            "-1.5",
            "-1.05",
            "-0.001",
            "0",
            "1e-300",
            "0.0010001",
            "0.1",
            "1",
            "1.01",
            "9",
            "10",
            "99.999",
            "100",
            "12345678901234567890",
            "12345678901234567891",
            "1e+300",
            "Infinity",
            "NaN",
        ];
        ascending(Kind::Number, &numbers);
        ascending(Kind::Number, &["-$1,234.56", "-$0.01", "$0.00", "$999.99", "$1,000.00"]);
        ascending(
            Kind::Time,
            &[
                "-infinity",
                "4713-01-01 BC",
                "0044-03-15 00:00:00 BC",
                "0001-12-31 BC",
                "0001-01-01",
                "1999-12-31 23:59:59.999999",
                "2000-01-01",
                "2000-02-29",
                "2000-03-01 00:00:00",
                "2024-06-01 12:00:00+02",
                "2024-06-01 12:00:00+01",
                "2024-06-01 12:00:00.5+01",
                "2024-06-01 12:00:00-03:30",
                "10000-01-01",
                "294276-12-31 23:59:59",
                "infinity",
            ],
        );
        ascending(
            Kind::Interval,
            &[
                "-1 days",
                "-00:00:01",
                "00:00:00",
                "23:59:59.5",
                "1 day",
                "1 day 00:00:01",
                "1 mon",
                "31 days",
                "1 year 2 mons 3 days 04:05:06",
            ],
        );
        ascending(Kind::Lsn, &["0/0", "0/16B3748", "0/F0000000", "1/0", "A/0"]);
        ascending(Kind::Text, &["", "A", "B", "a", "aa", "b", "é"]);
    }

    #[test]
    fn equal_values_have_equal_keys() {
        for (one, other) in [("1", "1.000"), ("0", "-0.0"), ("100", "1e2"), ("1.5e-2", "0.015")] {
            assert_eq!(key(Kind::Number, one), key(Kind::Number, other));
        }
        assert_eq!(key(Kind::Time, "2024-06-01 12:00:00+02"), key(Kind::Time, "2024-06-01 10:00:00+00"));
        assert!(!is_understood(Kind::Time, "01.06.2024") && !is_understood(Kind::Number, "one"));
        assert!(key(Kind::Number, "one") > key(Kind::Number, "NaN"));
    }

    proptest! {
        #[test]
        fn integers_and_floats_keep_their_order(a in any::<i64>(), b in any::<i64>(), x in any::<f64>(), y in any::<f64>()) {
            let number = |text: String| key(Kind::Number, &text);
            prop_assert_eq!(number(a.to_string()).cmp(&number(b.to_string())), a.cmp(&b));
            prop_assume!(x.is_finite() && y.is_finite());
            let order = x.partial_cmp(&y).expect("finite");
            prop_assert_eq!(number(format!("{x:e}")).cmp(&number(format!("{y}"))), order);
        }

        #[test]
        fn any_text_has_a_key(text in "\\PC*") {
            for kind in [Kind::Number, Kind::Time, Kind::Interval, Kind::Lsn, Kind::Text] {
                prop_assert!(!key(kind, &text).is_empty());
            }
        }
    }
}
