#!/usr/bin/env bash
# Installs the rivals by package name, then measures the hub and each of them in one run on 127.0.0.1.
#
#   crates/mercure-bench/rivals.sh                        every case, medians of three
#   crates/mercure-bench/rivals.sh fanout --seconds 10    any case and option of `mercure-bench hub`
#
# Bun comes from npm, nginx with Nchan from Debian; what is there already is used. The reference hub in Go is not fetched: start it yourself and name it,
# as the README shows.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=${CARGO_TARGET_DIR:-target}/tools/rivals

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if ! [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ]; then
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx-light libnginx-mod-nchan
    # Only the program is wanted, not the service that the package may start.
    as_root systemctl disable --now nginx 2>/dev/null || true
fi

bun=${MERCURE_BENCH_BUN:-$(command -v bun || true)}
if [ -z "$bun" ]; then
    # Its program comes in a package for each platform; the first start puts it in place.
    npm install --silent --no-fund --no-audit --no-save --prefix "$tools" bun
    (cd "$tools/node_modules/bun" && { [ -x bin/bun.exe ] && bin/bun.exe --version > /dev/null 2>&1 || node install.js; })
    bun=$tools/node_modules/.bin/bun
fi
export MERCURE_BENCH_BUN=$bun MERCURE_BENCH_NGINX=${MERCURE_BENCH_NGINX:-/usr/sbin/nginx}

cargo build --release -p mercure-bench
exec "${CARGO_TARGET_DIR:-target}/release/mercure-bench" hub --rivals --repeat 3 "$@"
