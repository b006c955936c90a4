//! What each language is written with: how comments and strings begin and end, and which words are its own.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// How a text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words, numbers, strings, comments.
    Code,
    /// Tags with attributes.
    Markup,
    /// Lines that came and went.
    Diff,
    /// Lines of `key: value` or `key = value`.
    Settings,
}

/// A string or a comment: how it begins, how it ends, and whether a line's end ends it too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) is_line: bool,
    pub(super) has_escapes: bool,
}

const fn line(open: &'static str) -> Quote {
    Quote { open, close: "\n", is_line: true, has_escapes: false }
}

const fn block(open: &'static str, close: &'static str) -> Quote {
    Quote { open, close, is_line: false, has_escapes: false }
}

const fn string(open: &'static str) -> Quote {
    Quote { open, close: open, is_line: true, has_escapes: true }
}

const fn long(open: &'static str) -> Quote {
    Quote { open, close: open, is_line: false, has_escapes: true }
}

/// A language, or several that are written alike.
#[derive(Debug)]
pub(super) struct Language {
    names: &'static str,
    pub(super) shape: Shape,
    pub(super) comments: &'static [Quote],
    pub(super) strings: &'static [Quote],
    keywords: &'static str,
    /// Whether keywords count in capitals as well.
    pub(super) folds_case: bool,
    /// Signs that words may begin with and hold, beside letters, digits and `_`.
    pub(super) signs: &'static str,
}

const BOTH: &[Quote] = &[string("\""), string("'")];
const C: &[Quote] = &[line("//"), block("/*", "*/")];
const HASH: &[Quote] = &[line("#")];
const DOUBLE: &[Quote] = &[string("\"")];

/// Code with these comments, strings and words.
const fn code(
    names: &'static str,
    comments: &'static [Quote],
    strings: &'static [Quote],
    keywords: &'static str,
) -> Language {
    Language { names, shape: Shape::Code, comments, strings, keywords, folds_case: false, signs: "" }
}

const fn of(shape: Shape, names: &'static str, comments: &'static [Quote], strings: &'static [Quote]) -> Language {
    Language { names, shape, comments, strings, keywords: "", folds_case: false, signs: "" }
}

const LANGUAGES: &[Language] = &[
    code(
        "rust rs",
        C,
        DOUBLE,
        "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return \
         self Self static struct super trait type union unsafe use where while bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 \
         u32 u64 u128 usize",
    ),
    code(
        "python py py3 python3 starlark bazel",
        HASH,
        &[long("\"\"\""), long("'''"), string("\""), string("'")],
        "and as assert async await break class continue def del elif else except finally for from global if import in is lambda match \
         case nonlocal not or pass raise return self try while with yield",
    ),
    code(
        "js javascript jsx mjs cjs ts tsx typescript mts vue svelte",
        C,
        &[string("\""), string("'"), long("`")],
        "abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export \
         extends finally for from function get if implements import in instanceof interface keyof let namespace never new number of \
         private protected public readonly return set static string super switch this throw try type typeof unknown var void while \
         with yield",
    ),
    code(
        "c h cpp c++ cc cxx hpp hxx objc objective-c objectivec m mm cuda arduino ino glsl hlsl",
        C,
        BOTH,
        "alignas alignof and auto bool break case catch char class const constexpr const_cast continue decltype default delete do double \
         dynamic_cast else enum explicit extern final float for friend goto if inline int long mutable namespace new noexcept operator or \
         override private protected public register reinterpret_cast requires concept return short signed sizeof static static_assert \
         static_cast struct switch template this throw try typedef typename union unsigned using virtual void volatile while #define \
         #else #endif #if #ifdef #ifndef #include #pragma #import",
    )
    .with_signs("#"),
    code(
        "java kotlin kt kts groovy gradle scala sc dart jsp",
        C,
        &[long("\"\"\""), string("\""), string("'")],
        "abstract as assert boolean break by byte case catch char class companion const continue data def default do double else enum \
         extends extension final finally float for fun get given if implements implicit import in init inline inner instanceof int \
         interface internal is late lateinit lazy long match native new object open operator out override package private protected public \
         record required sealed set short static strictfp super suspend switch synchronized this throw throws trait transient try type \
         val var void volatile when where while with yield",
    ),
    code(
        "cs csharp c# fs fsharp f#",
        C,
        BOTH,
        "abstract as async await base bool break byte case catch char checked class const continue decimal default delegate do double else \
         enum event explicit extern finally fixed float for foreach fun get goto if implicit in init int interface internal is let lock long \
         match member module mutable namespace new object of open operator out override params private protected public readonly rec record \
         ref required return sbyte sealed set short sizeof static string struct switch then this throw try type typeof uint ulong unsafe \
         ushort using var virtual void volatile when where while with yield",
    ),
    code(
        "go golang",
        C,
        &[string("\""), string("'"), long("`")],
        "any bool break byte case chan complex128 complex64 const continue default defer else error fallthrough float32 float64 for func go \
         goto if import int int16 int32 int64 int8 interface map package range return rune select string struct switch type uint uint16 \
         uint32 uint64 uint8 uintptr var",
    ),
    code(
        "php php3 php4 php5 php7 php8 phtml",
        &[line("//"), line("#"), block("/*", "*/")],
        BOTH,
        "abstract and array as bool break callable case catch class clone const continue declare default do echo else elseif enum extends \
         final finally float fn for foreach function global if implements include include_once instanceof insteadof int interface iterable \
         list match mixed namespace new or print private protected public readonly require require_once return static string switch this \
         throw trait try unset use var void while xor yield",
    )
    .with_signs("$"),
    code(
        "swift zig v vlang odin",
        C,
        &[long("\"\"\""), string("\""), string("'")],
        "actor as associatedtype async await break case catch class comptime const continue defer deinit do else enum errdefer export \
         extension extern fallthrough fileprivate fn for func guard if import in indirect init inout internal is lazy let mut mutating \
         open operator orelse override private protocol pub public repeat required return self Self some static struct subscript super \
         switch test throw throws try typealias unowned var weak where while",
    ),
    code(
        "ruby rb crystal cr elixir ex exs rake gemfile podfile",
        HASH,
        BOTH,
        "alias and begin BEGIN break case catch class cond def defmacro defmodule defp defstruct do else elsif end END ensure fn for if \
         import in include module next not or private protected public quote raise redo require require_relative rescue retry return self \
         super then undef unless until use when while with yield attr_accessor attr_reader attr_writer",
    )
    .with_signs("@"),
    code(
        "sh bash shell zsh fish console terminal shellsession dockerfile docker containerfile powershell ps1 pwsh",
        HASH,
        BOTH,
        "alias begin break case cd continue declare do done echo elif else end esac eval exec exit export fi for foreach function if in local \
         param printf process read readonly return select set shift source sudo switch test then throw time trap try catch unset until \
         while FROM RUN CMD COPY ADD ENV ARG WORKDIR EXPOSE ENTRYPOINT USER VOLUME LABEL HEALTHCHECK",
    )
    .with_signs("$"),
    code(
        "sql mysql postgres postgresql plsql pgsql sqlite tsql",
        &[line("--"), block("/*", "*/")],
        BOTH,
        "add all alter and any as asc begin between bigint boolean by case cast char check collate column commit conflict constraint create \
         cross current database date decimal declare default delete desc distinct do drop each else end except exists explain for foreign \
         from full function generated grant group having identity if in index inner insert int integer intersect into is join key lateral \
         left like limit materialized natural not nothing null numeric of offset on only or order outer over partition primary procedure \
         real recursive references replace returning revoke right rollback row rows select serial set smallint some table temporary text then \
         timestamp to transaction trigger truncate union unique update using values varchar view when where window with",
    )
    .folding(),
    code(
        "lua",
        &[block("--[[", "]]"), line("--")],
        &[block("[[", "]]"), string("\""), string("'")],
        "and break do else elseif end for function goto if in local not or repeat return then until while",
    ),
    code(
        "haskell hs elm purescript purs ada vhdl",
        &[block("{-", "-}"), line("--")],
        DOUBLE,
        "architecture begin body case class component data default deriving do else elsif end entity exposing forall foreign function if import \
         in infix infixl infixr instance is let loop module newtype of otherwise package port procedure process qualified return signal then \
         type where",
    ),
    code(
        "ocaml ml mli sml reason",
        &[block("(*", "*)")],
        DOUBLE,
        "and as assert begin class constraint do done downto else end exception external for fun function functor if in include inherit \
         initializer lazy let match method module mutable new nonrec object of open or private rec sig struct then to try type val virtual \
         when while with",
    ),
    code(
        "lisp cl elisp emacs-lisp clojure clj cljs edn scheme scm racket rkt",
        &[line(";")],
        DOUBLE,
        "and case cond def default define defmacro defmethod defmulti defn defn- defprotocol defrecord defun defvar do fn for if in-ns lambda \
         let let* letrec loop ns or progn quote recur require set! setf setq unless use when while",
    )
    .with_signs("-!?*:"),
    code(
        "perl pl pm raku",
        HASH,
        BOTH,
        "and BEGIN cmp continue die do each else elsif END eq eval for foreach ge given goto gt if keys last le local lt my ne next no not or \
         our package print push qw redo require return say shift sub undef unless until use wantarray when while xor",
    )
    .with_signs("$@%"),
    code(
        "r julia jl nim",
        HASH,
        BOTH,
        "abstract addr and as asm baremodule begin bind break case catch cast concept const continue converter defer discard distinct div do \
         elif else elseif end enum except export finally for from func function global if import in include is isnot iterator let library \
         local macro method mixin mod module mutable next nil not object of or out proc ptr quote raise ref repeat return shl shr static \
         struct template try tuple type using var when where while xor yield",
    )
    .with_signs("."),
    code(
        "matlab octave erlang erl prolog tex latex bibtex",
        &[line("%")],
        DOUBLE,
        "after begin break case catch classdef continue cond else elseif end export for function fun global if import module of otherwise \
         parfor persistent properties receive return spec switch try when while",
    )
    .with_signs("\\"),
    code(
        "pascal delphi pas",
        &[line("//"), block("{", "}"), block("(*", "*)")],
        BOTH,
        "and array as begin boolean case char class const constructor destructor div do downto else end except finally for function if \
         implementation in inherited integer interface is mod nil not object of on or override private procedure program property protected \
         public raise real record repeat set string then to try type unit until uses var virtual while with xor",
    )
    .folding(),
    code(
        "vb vbnet basic vba bas batch bat cmd applescript fortran f90 cobol",
        &[line("'"), line("!"), line("::")],
        DOUBLE,
        "and as boolean byref byval call case const dim do each echo else elseif end enum exit for function get goto if imports in integer is \
         let loop me module new next not nothing of on or pause print private program public rem return select set string sub subroutine \
         tell then to until wend while with",
    )
    .folding(),
    code("css scss sass less stylus", &[block("/*", "*/")], BOTH, "@media @import @font-face @keyframes @supports @layer @container @use @include @mixin @extend important")
        .with_signs("-@."),
    code("json jsonc json5 geojson ndjson", C, BOTH, ""),
    code(
        "graphql gql proto protobuf thrift solidity sol dot graphviz actionscript as3 d terraform tf hcl nix",
        &[line("//"), line("#"), block("/*", "*/")],
        BOTH,
        "address assert contract const data digraph else enum event extends external for fragment function graph if implements import in \
         inherit input int interface let locals map mapping message module mutation node oneof optional option output package pragma provider \
         public query rec reserved repeated resource return returns rpc scalar schema service strict string struct subgraph subscription \
         syntax then type uint256 union variable view void with",
    ),
    of(Shape::Markup, "html htm xhtml xml svg rss atom plist xsl xslt mathml erb ejs twig jinja handlebars hbs asp aspx", &[], BOTH),
    of(Shape::Diff, "diff patch", &[], &[]),
    of(Shape::Settings, "yaml yml toml ini conf cfg properties env dotenv nginx apache editorconfig gitconfig http", &[line("#"), line(";")], BOTH),
    of(Shape::Settings, "make makefile mk cmake just justfile", HASH, BOTH),
];

impl Language {
    const fn with_signs(mut self, signs: &'static str) -> Self {
        self.signs = signs;
        self
    }

    const fn folding(mut self) -> Self {
        self.folds_case = true;
        self
    }

    /// By a name in small letters.
    pub(super) fn find(name: &str) -> Option<&'static Known> {
        BY_NAME.get(name).and_then(|place| KNOWN.get(*place))
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = &'static Known> {
        KNOWN.iter()
    }
}

/// A language with its words at hand.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) language: &'static Language,
    keywords: HashSet<&'static str>,
}

/// The longest word that is looked up.
const WORD_MAX: usize = 24;
/// Words that stand for a value, in most languages.
const VALUES: [&str; 14] = [
    "true",
    "false",
    "null",
    "nil",
    "None",
    "True",
    "False",
    "undefined",
    "NaN",
    "nullptr",
    "NULL",
    "TRUE",
    "FALSE",
    "none",
];

impl Known {
    pub(super) fn is_keyword(&self, word: &str) -> bool {
        match (word.len() <= WORD_MAX, self.language.folds_case) {
            (true, true) => self.keywords.contains(word.to_ascii_lowercase().as_str()),
            (true, false) => self.keywords.contains(word),
            (false, _) => false,
        }
    }

    pub(super) fn is_value(word: &str) -> bool {
        VALUES.contains(&word)
    }
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let known =
        |language: &'static Language| Known { language, keywords: language.keywords.split_whitespace().collect() };
    LANGUAGES.iter().map(known).collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let names = LANGUAGES.iter().enumerate();
    names.flat_map(|(place, language)| language.names.split(' ').map(move |name| (name, place))).collect()
});
