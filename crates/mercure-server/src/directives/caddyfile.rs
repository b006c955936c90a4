//! Whole Caddyfiles: who gives one is told which part of it is wanted.

use super::lexer::Word;

/// Added to whatever is wrong with a whole Caddyfile.
pub(super) const HINT: &str = ". This looks like a whole Caddyfile: give only what stands between the braces of its mercure { … }; what stands around that belongs into a reverse proxy, and the site's name into SERVER_NAME";

/// Directives and options of Caddy that stand around `mercure` in the Caddyfiles of the reference's documentation, and mean nothing inside of it.
const AROUND: [&str; 32] = [
    "acme_ca",
    "acme_server",
    "admin",
    "auto_https",
    "basic_auth",
    "bind",
    "debug",
    "email",
    "encode",
    "file_server",
    "forward_auth",
    "frankenphp",
    "handle",
    "handle_path",
    "header",
    "http_port",
    "https_port",
    "import",
    "log",
    "metrics",
    "order",
    "php_fastcgi",
    "php_server",
    "redir",
    "respond",
    "reverse_proxy",
    "rewrite",
    "root",
    "route",
    "servers",
    "skip_log",
    "tls",
];

/// Whether these words are more than directives of the hub: a block without a name (Caddy's global options), a site's address with a block, a snippet, or one of
/// Caddy's own directives at the beginning of a line.
pub(super) fn is_whole(words: &[Word]) -> bool {
    let mut depth = 0_usize;
    let mut first_of_line: Option<&Word> = None;
    for word in words {
        if word.begins_line {
            first_of_line = Some(word);
            let is_around = depth <= 2 && !word.quoted && AROUND.contains(&word.text.as_str());
            // Further in, `mercure` can't be anybody's but Caddy's site.
            if word.is("{") || is_around || (depth > 0 && word.is("mercure")) {
                return true;
            }
        }
        if word.is("{") {
            let is_site = |word: &Word| word.text.starts_with('(') || word.text.contains(['.', ':', '*']);
            if depth == 0 && first_of_line.is_some_and(|first| is_site(first) || first.text == "localhost") {
                return true;
            }
            depth += 1;
        } else if word.is("}") {
            depth = depth.saturating_sub(1);
        }
    }
    false
}
