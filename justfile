# Daily work. Nothing needs `just`: each line can be typed as it stands.

# list the commands
default:
    @just --list

# serve on http://127.0.0.1:8080, data in ./var
run:
    cargo run --release

# everything that CI runs
ci:
    .ci/run

# formatting, clippy, dependencies, types
lint:
    ./test lint

# unit tests and tests/it on both engines
rust:
    ./test rust

# the browser's side
browser:
    ./test browser

# write all Rust the way CI wants it
format:
    cargo fmt --all

# the README's pictures
pictures:
    cargo build --release
    node tests/browser/pictures.mjs
