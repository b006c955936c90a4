//! `PALABRE_BUDGETS`: single lines of the table, changed. `sends=60,5/s streams=128 upload-day=2GB visits=off`.

use super::{Amount, Budget, FIXED, TABLE};
use std::fmt;
use std::str::FromStr;

/// The whole table as it holds in this installation, a place for each [`Budget`].
#[derive(Debug, Clone, PartialEq)]
pub struct Amounts(Vec<Amount>);

/// A word of the setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongBudget {
    word: String,
    why: String,
}

impl fmt::Display for WrongBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.word, self.why)
    }
}

impl std::error::Error for WrongBudget {}

impl Default for Amounts {
    fn default() -> Self {
        Self(TABLE.iter().map(|line| line.default).collect())
    }
}

impl Amounts {
    /// How much.
    pub fn of(&self, budget: Budget) -> Amount {
        self.0[budget as usize]
    }

    /// Without rates, sizes and what one may own: what remains are the numbers that bound memory.
    pub fn numbers_only(&self) -> Self {
        let mut amounts = self.clone();
        for amount in &mut amounts.0 {
            *amount = match *amount {
                Amount::Number(_) | Amount::Off => *amount,
                Amount::Rate { .. } | Amount::Size(_) => Amount::Off,
            };
        }
        amounts.0[Budget::Owned as usize] = Amount::Off;
        amounts
    }
}

impl FromStr for Amounts {
    type Err = WrongBudget;

    fn from_str(text: &str) -> Result<Self, WrongBudget> {
        let mut amounts = Self::default();
        for word in text.split_whitespace() {
            let wrong = |why: String| WrongBudget { word: word.to_owned(), why };
            let (name, value) = word.split_once('=').ok_or_else(|| wrong("is no name=value".to_owned()))?;
            let line = TABLE.iter().find(|line| line.name == name);
            let line = line.ok_or_else(|| wrong("names no budget".to_owned()))?;
            amounts.0[line.budget as usize] = parse(line.budget, line.default, value).map_err(wrong)?;
        }
        Ok(amounts)
    }
}

fn parse(budget: Budget, default: Amount, value: &str) -> Result<Amount, String> {
    let is_size = matches!(budget, Budget::Storage) || matches!(default, Amount::Size(_));
    if FIXED.contains(&budget) {
        return Err("is fixed".to_owned());
    }
    if value == "off" {
        return Ok(Amount::Off);
    }
    if is_size {
        return size(value).map(Amount::Size).ok_or_else(|| "is no size such as 500MB, 2GB or off".to_owned());
    }
    match default {
        Amount::Rate { .. } => rate(value).ok_or_else(|| "is no rate such as 30,2/s, 10,5/h or off".to_owned()),
        Amount::Number(_) | Amount::Size(_) | Amount::Off => {
            let number = value.parse().ok().filter(|number| *number > 0).map(Amount::Number);
            number.ok_or_else(|| "is no number above 0, nor off".to_owned())
        }
    }
}

fn rate(value: &str) -> Option<Amount> {
    let (burst, refill) = value.split_once(',')?;
    let (refill, unit) = refill.split_once('/')?;
    let per = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let positive = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    Some(Amount::Rate { burst: positive(burst)?, refill: positive(refill)?, per })
}

fn size(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &value[digits.len()..] {
        "" => 1,
        "kB" | "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// As the setting and the documents write it.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Rate { burst, refill, per } => {
                let unit = match per {
                    1 => "s",
                    60 => "m",
                    3_600 => "h",
                    _ => "d",
                };
                write!(f, "{burst},{refill}/{unit}")
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Size(bytes) if bytes > 0 && bytes % (1 << 30) == 0 => write!(f, "{}GB", bytes >> 30),
            Self::Size(bytes) if bytes > 0 && bytes % (1 << 20) == 0 => write!(f, "{}MB", bytes >> 20),
            Self::Size(bytes) => write!(f, "{bytes}"),
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_lines_are_changed() {
        let amounts: Amounts = "sends=60,5/s\n streams=128  upload-day=500MB visits=off storage=1TB".parse().unwrap();
        assert_eq!(amounts.of(Budget::Sends), Amount::Rate { burst: 60, refill: 5, per: 1 });
        assert_eq!(amounts.of(Budget::Streams), Amount::Number(128));
        assert_eq!(amounts.of(Budget::UploadDay), Amount::Size(500 << 20));
        assert_eq!(amounts.of(Budget::Visits), Amount::Off);
        assert_eq!(amounts.of(Budget::Storage), Amount::Size(1 << 40));
        assert_eq!(amounts.of(Budget::Edits), Budget::Edits.line().default);
        assert_eq!("".parse(), Ok(Amounts::default()));
    }

    #[test]
    fn the_wrong_word_is_named() {
        for word in [
            "sends",
            "sendz=1,1/s",
            "sends=",
            "sends=0,1/s",
            "sends=1,0/s",
            "sends=1,1/w",
            "sends=30",
            "sends=-1,1/s",
            "streams=0",
            "streams=many",
            "versions=60",
            "versions=off",
            "upload-day=2G",
            "upload-day=99999999TB",
            "=1",
        ] {
            let wrong = format!("edits=5,1/s {word}").parse::<Amounts>().unwrap_err();
            assert!(wrong.to_string().starts_with(&format!("{word:?}: ")), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for line in TABLE.iter().filter(|line| !FIXED.contains(&line.budget)) {
            let word = format!("{}={}", line.name, line.default);
            let amounts: Amounts = word.parse().unwrap_or_else(|wrong| panic!("{wrong}"));
            assert_eq!(amounts.of(line.budget), line.default, "{word}");
        }
    }
}
