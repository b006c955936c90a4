//! The house checks its own rules: floors, names of engines, lengths, what the documents say.

use clap::{CommandFactory, Parser};
use palabre::config::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A longer file is two files.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of a folder with one of these endings, as paths from the root.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if endings.contains(&ending.as_str()) {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} holds nothing");
    found
}

/// The floors as `src/lib.rs` draws them: module → floor.
fn floors() -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    for line in read("src/lib.rs").lines().filter_map(|line| line.strip_prefix("//! Floor ")) {
        let floor: u32 = line[..1].parse().unwrap();
        for name in line.split('`').skip(1).step_by(2) {
            floors.insert(name.trim_end_matches(".rs").to_owned(), floor);
        }
    }
    floors
}

/// Among the nouns of floor 2 the arrows point downward too.
fn story(module: &str) -> u32 {
    match module {
        "message" | "goal" => 3,
        "chatroom" => 2,
        "user" => 1,
        _ => 0,
    }
}

/// The text without comments, so that a link in one is no use.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that a text names: `crate::x…` and `crate::{x…, y…}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for item in list {
            let word: String = item.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            names.insert(word);
        }
    }
    names
}

#[test]
fn arrows_point_downward() {
    let floors = floors();
    let mut upward = Vec::new();
    for path in files("src", &["rs"]) {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap().to_owned();
        if module == "lib" {
            continue;
        }
        let floor = *floors.get(&module).unwrap_or_else(|| panic!("{module} stands on no floor of src/lib.rs"));
        for used in named(&code(&read(&path))) {
            // Two macros of the store stand at the root of the crate.
            let used = if matches!(used.as_str(), "sql" | "params") { "db".to_owned() } else { used };
            let Some(below) = floors.get(&used) else { panic!("{path} names {used}, which stands on no floor") };
            let is_upward =
                *below > floor || (floor == 2 && *below == 2 && used != module && story(&used) >= story(&module));
            if is_upward {
                upward.push(format!("{path} uses {used}"));
            }
        }
    }
    assert_eq!(upward, Vec::<String>::new());
}

#[test]
fn every_module_stands_on_a_floor() {
    let floors = floors();
    for line in read("src/lib.rs").lines() {
        let Some(module) = line.trim_start_matches("pub ").strip_prefix("mod ") else { continue };
        let module = module.trim_end_matches(';');
        assert!(floors.contains_key(module), "{module} is missing in the map at the head of src/lib.rs");
    }
}

#[test]
fn the_hub_knows_nothing_of_the_chat() {
    for path in files("crates/mercure-hub", &["rs", "toml"]) {
        let text = read(&path);
        assert!(!text.contains("palabre"), "{path} names the application");
    }
}

#[test]
fn only_the_store_names_an_engine() {
    for path in files("src", &["rs"]) {
        if path == "src/db.rs" || path.starts_with("src/db/") {
            continue;
        }
        let code = code(&read(&path));
        for engine in ["rusqlite", "postgres::", "tokio_postgres", "refinery"] {
            assert!(!code.contains(engine), "{path} names {engine}");
        }
    }
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let folders =
        [("src", "rs"), ("crates", "rs"), ("tests", "rs"), ("tests", "js"), ("public", "js"), ("public", "css")];
    let mut long = Vec::new();
    for (folder, ending) in folders {
        for path in files(folder, &[ending]).into_iter().filter(|path| !path.contains("/vendor/")) {
            let lines = read(&path).lines().count();
            if lines > LINES_MAX {
                long.push(format!("{path}: {lines} lines"));
            }
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for folder in ["src", "crates", "tests"] {
        for path in files(folder, &["rs"]) {
            assert!(read(&path).starts_with("//! "), "{path}");
        }
    }
}

#[test]
fn templates_hold_no_script_and_no_style() {
    for path in files("templates", &["html"]) {
        let text = read(&path);
        for tag in text.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default().to_lowercase();
            let is_data = tag.contains("application/json") || tag.contains(" src=");
            assert!(!tag.starts_with("script") || is_data, "{path}: <{tag}>");
            // An archive's page stands alone in a folder: nobody serves its sheet.
            assert!(!tag.starts_with("style") || path == "templates/export/head.html", "{path}: <{tag}>");
            for word in tag.split_whitespace().skip(1) {
                let is_handler = word.starts_with("on") && word.contains('=');
                assert!(!is_handler && !word.starts_with("style=") && !word.contains("javascript:"), "{path}: {word}");
            }
        }
    }
}

/// Where a document or a folder is still to be written there is nothing to check.
fn document(name: &str) -> Option<String> {
    std::fs::read_to_string(root().join(name)).ok()
}

#[test]
fn every_path_of_the_map_exists() {
    let Some(map) = document("ARCHITECTURE.md") else { return };
    let kept = ["src/", "crates/", "tests/", "templates/", "public/", "migrations/", "locales/", ".ci/"];
    let mut missing = Vec::new();
    for word in map.split(|c: char| c.is_whitespace() || "`()[]{},;→*\"'".contains(c)) {
        let word = word.trim_end_matches(['.', ':']);
        let is_path = kept.iter().any(|folder| word.starts_with(folder)) && !word.contains(['<', '…']);
        if is_path && !Path::new(&root()).join(word.split('#').next().unwrap_or(word)).exists() {
            missing.push(word.to_owned());
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// The settings' variables.
fn variables() -> BTreeMap<String, String> {
    let command = Line::command();
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let pair = |argument: &clap::Arg| Some((text(argument.get_env()?), argument.get_long()?.to_owned()));
    command.get_arguments().filter_map(pair).collect()
}

#[test]
fn every_setting_stands_in_the_readme_and_back() {
    let Some(readme) = document("README.md") else { return };
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with('|')).collect();
    let variables = variables();
    for (variable, flag) in &variables {
        let row = rows.iter().find(|row| row.contains(&format!("`{variable}`")));
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {variable}"));
        assert!(row.contains(&format!("--{flag}")), "the row of {variable} names its flag --{flag}");
    }
    for row in rows {
        let first = row.trim_matches('|').split('|').next().unwrap_or_default();
        for word in first.split('`').skip(1).step_by(2) {
            let is_variable = word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            assert!(
                !is_variable || variables.contains_key(word),
                "README.md has a row for {word}, which is no setting"
            );
        }
    }
}

#[test]
fn every_setting_has_a_variable_and_says_what_it_means() {
    let command = Line::command();
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        assert!(argument.get_env().is_some() && argument.get_help().is_some(), "{}", argument.get_id());
    }
    assert!(variables().len() >= 15);
}

/// What the suites say of themselves above their tests.
fn named_above_tests() -> String {
    let mut all: Vec<String> = files("tests", &["rs", "js"]);
    all.extend(files("src", &["rs"]));
    let comments = all.iter().filter(|path| *path != "tests/it/tidy.rs").flat_map(|path| {
        let text = read(path);
        let lines = text.lines().filter(|line| line.trim_start().starts_with("//")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    });
    comments.collect::<Vec<_>>().join("\n")
}

/// The numbered list of what chats of this kind get wrong: each has a test that says its number.
#[test]
fn every_known_way_of_getting_a_chat_wrong_has_its_test() {
    let said = named_above_tests();
    let told: Vec<&str> = said.split("Known ways of getting this wrong, ").skip(1).collect();
    let numbers: BTreeSet<u32> = told
        .iter()
        .flat_map(|rest| rest.split([':', '.', '\n']).next().unwrap_or_default().split([',', ' ']))
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=21).collect());
}

/// How other chats were broken where they show messages, files, Markdown, search and previews: each has a test that names it.
#[test]
fn every_way_in_which_others_were_broken_has_its_test() {
    let said = named_above_tests();
    let known = [
        "CVE-2017-1000054",
        "CVE-2018-9986",
        "CVE-2019-16216",
        "CVE-2021-22886",
        "CVE-2021-32689",
        "CVE-2021-37865",
        "CVE-2022-31017",
        "CVE-2022-31052",
        "CVE-2022-31134",
        "CVE-2023-28112",
        "CVE-2023-30609",
        "CVE-2023-32683",
        "CVE-2023-45131",
        "CVE-2023-48732",
        "CVE-2024-1402",
        "CVE-2024-27286",
        "CVE-2024-34341",
        "CVE-2024-36624",
        "CVE-2024-39713",
        "CVE-2024-53863",
        "CVE-2025-20051",
        "CVE-2025-4981",
        "CVE-2026-100404",
        "CVE-2026-24050",
        "CVE-2026-2578",
        "CVE-2026-27154",
        "CVE-2026-44561",
        "CVE-2026-63306",
        "CVE-2026-73057",
    ];
    let missing: Vec<&str> = known.into_iter().filter(|name| !said.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
