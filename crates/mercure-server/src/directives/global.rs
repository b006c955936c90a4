//! The global options of a Caddyfile, as they stand in `GLOBAL_OPTIONS`.

use super::{Fault, lexer, tree};

/// One option. What stands in its block is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GlobalOption {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
}

/// The options at the top, with or without the braces that stand around them in a Caddyfile.
pub(crate) fn global_options(text: &str) -> Result<Vec<GlobalOption>, Fault> {
    let mut words = lexer::words(text, &|name| std::env::var(name).ok())?;
    if words.first().is_some_and(|word| word.is("{")) && words.last().is_some_and(|word| word.is("}")) {
        words.pop();
        words.remove(0);
    }
    let option = |node: tree::Node| GlobalOption {
        name: node.name,
        arguments: node.arguments.into_iter().map(|word| word.text).collect(),
    };
    Ok(tree::nodes(words)?.into_iter().map(option).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arguments_are_read_and_blocks_are_passed_over() {
        let read = |text| {
            let options = global_options(text).unwrap();
            options.iter().map(|option| format!("{} {}", option.name, option.arguments.join(","))).collect::<Vec<_>>()
        };
        assert_eq!(read("debug\nadmin 0.0.0.0:2019"), ["debug ", "admin 0.0.0.0:2019"]);
        assert_eq!(
            read("servers {\n  metrics\n  timeouts {\n    write 0\n  }\n}\nadmin off"),
            ["servers ", "admin off"]
        );
        assert_eq!(read("{\n  debug\n}"), ["debug "]);
        assert_eq!(read("admin :2019 {\n  origins a b\n}"), ["admin :2019"]);
        assert_eq!(read(""), Vec::<String>::new());
        assert!(global_options("servers {").is_err());
    }
}
