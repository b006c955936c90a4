//! Words into directives: a name, its arguments, and perhaps a block of more.

use super::lexer::Word;
use super::{Fault, Position};

/// Blocks in blocks. The deepest that means something is `mercure { issuer { publisher { jwks_uri { … } } } }`.
const MAX_DEPTH: usize = 8;

/// One directive as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) arguments: Vec<Word>,
    pub(super) block: Option<Vec<Node>>,
}

/// All directives of a text.
pub(super) fn nodes(words: Vec<Word>) -> Result<Vec<Node>, Fault> {
    let mut words = words.into_iter().peekable();
    block(&mut words, None, 0)
}

type Words = std::iter::Peekable<std::vec::IntoIter<Word>>;

/// Directives up to the brace that closes this block, or to the end of the text when nothing was `opened`.
fn block(words: &mut Words, opened: Option<Position>, depth: usize) -> Result<Vec<Node>, Fault> {
    let mut nodes = Vec::new();
    loop {
        let Some(first) = words.next() else {
            let Some(opened) = opened else { return Ok(nodes) };
            return Err(Fault::new(opened, "the { that opens here is never closed".to_owned()));
        };
        if first.is("}") {
            if opened.is_some() {
                return Ok(nodes);
            }
            return Err(Fault::new(first.at, "a } without a {".to_owned()));
        }
        if first.is("{") {
            let why = "a block needs a directive before it; put { at the end of that directive's line";
            return Err(Fault::new(first.at, why.to_owned()));
        }
        if depth >= MAX_DEPTH {
            return Err(Fault::new(first.at, format!("more than {MAX_DEPTH} blocks in each other")));
        }
        nodes.push(node(words, first, depth)?);
    }
}

fn node(words: &mut Words, first: Word, depth: usize) -> Result<Node, Fault> {
    let mut node = Node { name: first.text, at: first.at, arguments: Vec::new(), block: None };
    while let Some(word) = words.next_if(|word| !word.begins_line && !word.is("}")) {
        if !word.is("{") {
            node.arguments.push(word);
            continue;
        }
        if let Some(next) = words.peek().filter(|next| !next.begins_line && !next.is("}")) {
            return Err(Fault::new(next.at, "a block begins on the line after its {".to_owned()));
        }
        node.block = Some(block(words, Some(word.at), depth + 1)?);
        if let Some(next) = words.peek().filter(|next| !next.begins_line && !next.is("}")) {
            return Err(Fault::new(next.at, "nothing can stand behind the } of a block".to_owned()));
        }
        break;
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::super::lexer;
    use super::*;

    fn parse(text: &str) -> Result<Vec<Node>, Fault> {
        nodes(lexer::words(text, &|_| None)?)
    }

    fn shape(nodes: &[Node]) -> String {
        let shapes: Vec<_> = nodes
            .iter()
            .map(|node| {
                let block = node.block.as_ref().map(|block| format!("[{}]", shape(block))).unwrap_or_default();
                format!("{}/{}{block}", node.name, node.arguments.len())
            })
            .collect();
        shapes.join(" ")
    }

    #[test]
    fn lines_and_blocks() {
        let text = "anonymous\nissuer https://a {\n publisher {\n jwt x HS256\n }\n}\ntransport local {\n}\nname { }\n";
        assert_eq!(shape(&parse(text).unwrap()), "anonymous/0 issuer/1[publisher/0[jwt/2]] transport/1[] name/0[]");
        assert_eq!(shape(&parse("a \"{\"\nb `}`").unwrap()), "a/1 b/1");
    }

    #[test]
    fn braces_out_of_place() {
        for (text, line, column) in
            [("a {\n b", 1, 3), ("}", 1, 1), ("{\n}", 1, 1), ("a { b\n}", 1, 5), ("a {\n} b", 2, 3), ("a\n{\n}", 2, 1)]
        {
            assert_eq!(parse(text).unwrap_err().at, Position { line, column }, "{text}");
        }
        assert!(parse(&"a {\n".repeat(10_000)).is_err());
    }
}
