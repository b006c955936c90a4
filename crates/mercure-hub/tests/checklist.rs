//! The checklist: the README's table and the tests must name each other.
//!
//! A test says which rules it holds in a comment above its attribute, `// H 17, D 4`. The table names those tests, or says why a rule does not apply.
//! `BLESS=1 cargo test -p mercure-hub checklist` writes the table's last column anew from the comments.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How many rules the protocol's checklist has, and how many known defects of other hubs.
const RULES: [(char, usize); 2] = [('H', 115), ('D', 13)];

type Rule = (char, usize);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// `H 17, D 4` → the rules; nothing when it is any other comment. `C`, with the name of a group of cases, may stand beside them, and words after a colon.
fn rules_of(comment: &str) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    let list = comment.split(':').next()?;
    for rule in list.split(',').map(str::trim) {
        let mut chars = rule.chars();
        match (chars.next()?, chars.as_str().trim().parse()) {
            (letter @ ('H' | 'D'), Ok(number)) => rules.push((letter, number)),
            ('C', Err(_)) if rule.starts_with("C ") && !rules.is_empty() => {}
            _ => return None,
        }
    }
    Some(rules).filter(|rules| !rules.is_empty())
}

/// Every rule with the tests that hold it, as `file::name`.
fn held() -> BTreeMap<Rule, BTreeSet<String>> {
    let mut held = BTreeMap::<_, BTreeSet<_>>::new();
    let mut folders = vec![root().join("tests"), root().join("src"), root().join("../mercure-server")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = path.file_stem().unwrap().to_string_lossy().into_owned();
                let mut waiting = Vec::new();
                for line in fs::read_to_string(&path).unwrap().lines() {
                    let line = line.trim();
                    if let Some(rules) = line.strip_prefix("// ").and_then(rules_of) {
                        waiting.extend(rules);
                    } else if let Some((before, name)) = line.split_once("fn ")
                        && (before.is_empty() || before == "async ")
                    {
                        let name = name.split(['(', '<']).next().unwrap_or_default();
                        for rule in waiting.drain(..) {
                            held.entry(rule).or_default().insert(format!("`{module}::{name}`"));
                        }
                    }
                }
                assert!(waiting.is_empty(), "{}: rules without a test", path.display());
            }
        }
    }
    held
}

/// A row of the table: rule, what it asks, who holds it.
fn row(line: &str) -> Option<(Rule, String, String)> {
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.splitn(3, '|').map(str::trim);
    let rule = rules_of(cells.next()?)?;
    Some((*rule.first()?, cells.next()?.to_owned(), cells.next().unwrap_or_default().to_owned()))
}

#[test]
fn every_rule_has_its_test_or_a_reason() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let held = held();
    let names = |rule: &Rule| held.get(rule).map(|names| Vec::from_iter(names.iter().cloned()).join(", "));
    if std::env::var_os("BLESS").is_some() {
        let lines = readme.lines().map(|line| match row(line) {
            Some((rule, what, by)) => {
                let by = names(&rule).unwrap_or_else(|| if by.starts_with('`') { String::new() } else { by });
                format!("| {} {} | {what} | {by} |", rule.0, rule.1)
            }
            None => line.to_owned(),
        });
        let text: String = lines.map(|line| line + "\n").collect();
        fs::write(&path, text).unwrap();
        return;
    }
    let rows: BTreeMap<Rule, String> = readme.lines().filter_map(row).map(|(rule, _, by)| (rule, by)).collect();
    let all: BTreeSet<Rule> =
        RULES.iter().flat_map(|&(letter, count)| (1..=count).map(move |number| (letter, number))).collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), all, "one row for each rule");
    for rule in held.keys() {
        assert!(all.contains(rule), "no such rule: {rule:?}");
    }
    for (rule, by) in rows {
        match names(&rule) {
            Some(names) => assert_eq!(by, names, "{rule:?}: the tests' comments say otherwise"),
            None => assert!(
                by.starts_with("Does not apply: ") || by.starts_with("Held by construction: "),
                "{rule:?} has neither test nor reason"
            ),
        }
    }
}
