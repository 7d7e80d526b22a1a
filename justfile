# What a change must pass, and what is done every day. `.ci/run` runs the recipes of `check` word for word.

# The recipes.
default:
    @just --list --unsorted

# Everything a change must pass. `.ci/run` does it too, and installs what it needs.
check: format lint documentation structure dependencies test smoke

# The code looks as rustfmt.toml says.
format:
    cargo fmt --all --check

# The lints of Cargo.toml and clippy.toml.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# The documentation of the code builds, and its links lead somewhere.
documentation:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# No folder of a crate takes from another that takes from it; see CONTRIBUTING.md.
structure:
    python3 .ci/circles_test.py
    python3 .ci/circles.py
    python3 .ci/paths.py

# Licences, sources and duplicates among the dependencies, by deny.toml.
dependencies:
    cargo deny --locked check bans licenses sources

# Every test there is; those behind a failed one too.
test:
    cargo test --workspace --no-fail-fast

# What hostile bytes meet first, for a while each, two at a time, from the seeds on. Needs nightly and `cargo install cargo-fuzz`. `dev` builds in less time and tries less in it.
fuzz seconds="60" profile="release":
    cargo +nightly fuzz build --{{profile}} --sanitizer none
    cargo +nightly fuzz list | xargs -P 2 -I TARGET sh -c 'mkdir -p fuzz/corpus/TARGET && cargo +nightly fuzz run --{{profile}} --sanitizer none TARGET fuzz/corpus/TARGET fuzz/seeds/TARGET -- -max_len=8192 -max_total_time={{seconds}} > fuzz/target/TARGET.log 2>&1; code=$?; tail -n 40 fuzz/target/TARGET.log; exit $code'

# The conformance suite of the Gateway API, against a binary. Needs Linux and Go, which fetches the suite and a newer Go.
conformance binary="target/debug/backstay" report="":
    cd tests/conformance && GOTOOLCHAIN=go1.27.0+auto go test -count=1 -timeout 30m . -args -backstay "{{absolute_path(binary)}}" -release "$(git describe --always)" -to "{{report}}"

# The first command of the README, for real.
smoke:
    .ci/smoke

# What is shipped, in target/package: the binary without its debug information, that in a file beside it which debuggers find by
# themselves, manual pages and completions.
package:
    cargo build --release --locked
    mkdir -p target/package/completions
    objcopy --only-keep-debug target/release/backstay target/package/backstay.debug
    objcopy --strip-all target/release/backstay target/package/backstay
    cd target/package && objcopy --add-gnu-debuglink=backstay.debug backstay
    target/package/backstay man target/package/man
    for shell in bash zsh fish; do target/package/backstay completions $shell > target/package/completions/backstay.$shell; done

# The Debian package, of what `package` has made. Needs `cargo install cargo-deb`, and Debian's dpkg.
deb: package
    cargo deb --no-build --no-strip --output target/debian/

# What the package is made of, as CycloneDX. Needs `cargo install cargo-cyclonedx`.
sbom:
    cargo cyclonedx --manifest-path Cargo.toml --format json --spec-version 1.5 --override-filename backstay.cdx
    mkdir -p target/package && mv backstay.cdx.json target/package/
    # It writes one for each crate of the workspace as well; the command's own lists them all.
    rm crates/*/backstay.cdx.json

# A release binary that carries the list of its dependencies. Needs `cargo install cargo-auditable`.
auditable:
    cargo auditable build --release --locked

# Formats the code.
fix:
    cargo fmt --all

# An optimised binary without what makes release builds slow: target/quick-release/backstay.
quick:
    cargo build --profile quick-release
