//! The command line: which attacks on which servers, how long, how large. Every bound has a ceiling.

use crate::attacks::Attack;
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Measures what other people feel of the chat while it is attacked, and its memory, on servers that it starts itself.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The attacks; all of them when none is named
    #[arg(value_enum, value_name = "ATTACK")]
    pub(crate) attacks: Vec<Attack>,

    /// A server's program, as `--server before=PATH`
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,

    /// A server's program, as `--server after=PATH`
    #[arg(long, value_name = "PATH")]
    after: Option<PathBuf>,

    /// A server's program and its name in the table; may be repeated. Without any: the program `palabre` beside this one
    #[arg(long = "server", value_name = "NAME=PATH", value_parser = named)]
    servers: Vec<Program>,

    /// People who use the chat meanwhile; each sends one message a second
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=50))]
    pub(crate) people: u8,

    /// Seconds without an attack
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub(crate) calm: Duration,

    /// Seconds that an attack lasts at least
    #[arg(long, default_value = "12", value_parser = seconds)]
    pub(crate) seconds: Duration,

    /// Seconds after which an attack is cut off, whatever is left of it
    #[arg(long, default_value = "45", value_parser = seconds)]
    pub(crate) longest: Duration,

    /// Seconds between the attack and the last look at the memory
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub(crate) settle: Duration,

    /// The attacks' size: 1 is what the README says, less is for trying
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    pub(crate) scale: f64,

    /// Megabytes that the attack `uploads` sends at most
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=2_000))]
    pub(crate) megabytes: u64,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server's program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Its name in the table.
    pub(crate) name: String,
    /// The file that is started.
    pub(crate) path: PathBuf,
}

impl Options {
    /// The servers to compare, in the order in which they take turns.
    ///
    /// # Errors
    /// When this program's own folder is unknown.
    pub(crate) fn programs(&self) -> std::io::Result<Vec<Program>> {
        let pair = [("before", &self.before), ("after", &self.after)];
        let pair = pair.into_iter().filter_map(|(name, path)| path.clone().map(|path| (name, path)));
        let mut programs: Vec<_> = pair.map(|(name, path)| Program { name: name.into(), path }).collect();
        programs.extend(self.servers.iter().cloned());
        if programs.is_empty() {
            let path = std::env::current_exe()?.with_file_name("palabre");
            programs.push(Program { name: "palabre".into(), path });
        }
        Ok(programs)
    }

    /// So many of a thing as the scale asks for, one at least.
    pub(crate) fn scaled(&self, count: u32) -> u32 {
        ((f64::from(count) * self.scale).ceil() as u32).clamp(1, count)
    }
}

fn named(text: &str) -> Result<Program, String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(Program { name: name.into(), path: path.into() })
        }
        Some(_) | None => Err("a server is named as NAME=PATH".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().filter(|seconds: &f64| (0.0..=600.0).contains(seconds));
    number.map(Duration::from_secs_f64).ok_or_else(|| "between 0 and 600 seconds".into())
}

fn scale(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|scale: &f64| *scale > 0.0 && *scale <= 1.0);
    number.ok_or_else(|| "more than 0 and at most 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_programs_and_never_addresses() {
        let line = ["attack-bench", "--before", "/a", "--server", "x=/b", "--after", "/c", "goals"];
        let programs = Options::parse_from(line).programs().map(|list| {
            list.into_iter().map(|program| format!("{}={}", program.name, program.path.display())).collect::<Vec<_>>()
        });
        assert_eq!(programs.ok(), Some(vec!["before=/a".into(), "after=/c".into(), "x=/b".into()]));
        for bad in
            [["--server", "x"], ["--server", "=/b"], ["--scale", "1.5"], ["--seconds", "601"], ["--people", "51"]]
        {
            assert!(Options::try_parse_from(["attack-bench", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }
}
