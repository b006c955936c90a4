//! What a single word can say: a duration, a size, a number.

use std::time::Duration;

/// A duration as Go and Caddy write it: `40s`, `1h30m`, `1.5h`, `250ms`, `1d`, `0`.
///
/// # Errors
/// A sentence, when it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write it as 40s, 10m, 1h30m or 1d");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut seconds = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(behind.len());
        let (unit, next) = behind.split_at(letters);
        let one = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<f64>().map_err(|_| wrong())? * one;
        rest = next;
    }
    // A hundred years: beyond it a duration is a typing error, and times overflow.
    if text.is_empty() || seconds > 100.0 * 365.0 * 86_400.0 {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// A number of bytes: `1048576`, `512KB` (1,000 each), `1MiB` (1,024 each).
///
/// # Errors
/// A sentence, when it is none.
pub fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is no size; write it as 1048576, 512KB or 1MiB");
    let digits = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let one = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "ki" | "kib" => 1_024.0,
        "mi" | "mib" => 1_048_576.0,
        "gi" | "gib" => 1_073_741_824.0,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * one;
    if bytes.is_finite() && bytes < 1e15 {
        // Checked: neither negative nor beyond what 64 bits hold.
        format!("{bytes:.0}").parse().map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}

/// The candidate that looks most like a word, if one does.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&word, candidate), candidate))
        .filter(|(alike, _)| *alike > 0.55)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("40s", 40_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("0s", 0),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "40", "s", "-1s", "1 s", "1y", "1.1.1s", "1e9s", "99999999999999999999d", "1sé"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("1024", 1_024), ("1KB", 1_000), ("1MiB", 1 << 20), ("1MB", 1_000_000), ("1.5kib", 1_536)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1XB", "1e3", "99999999999GB", "1 é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn typing_errors_are_recognised() {
        let known = ["anonymous", "cors_origins", "publish_origins", "heartbeat"];
        assert_eq!(nearest("anonymus", known.into_iter()), Some("anonymous"));
        assert_eq!(nearest("CORS_origin", known.into_iter()), Some("cors_origins"));
        assert_eq!(nearest("totally_bogus", known.into_iter()), None);
    }
}
