#!/usr/bin/env python3
"""Draws the modules of every crate and fails when a circle across folders is not on the list in `.ci/circles.toml`.

A module is a file; a file that has a folder of its name belongs to that folder. A module depends on the module that
*defines* what it names: `use` declarations and paths are followed through re-exports, because a circle that runs through
a `pub use` of a parent file is one all the same. Declaring a child or handing its names on is no dependency, and neither is
what only tests name.

    .ci/circles.py             the table, and what is wrong; exits with 1 if something is
    .ci/circles.py CRATE ...   every circle of these crates, with the names that tie it

Python's standard library is all it needs. It reads text and knows no types: what a method call reaches is not seen, but
the type that the method belongs to is named somewhere, and that is.
"""

import os.path
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ROOT / ".ci" / "circles.toml"

TOKEN = re.compile(
    r"""
      (?P<skip>\s+|//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<string>(?:b|c)?"(?:\\.|[^"\\])*")
    | (?P<char>b?'(?:\\[^\n]+?|[^\\'\n])')
    | (?P<lifetime>'\w+)
    | (?P<word>(?:r\#)?[A-Za-z_]\w*)
    | (?P<number>\d\w*)
    | (?P<sign>::|->|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
OPEN, CLOSE = {"{": "}", "(": ")", "[": "]"}, {"}", ")", "]"}
DEFINES = {"fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod"}
NO_PATH = {"as", "in", "for", "where", "dyn", "impl", "mut", "ref", "return", "match", "if", "let", "move", "else", "fn", "pub"}


def tokens(text):
    """Words and signs; comments, literals and lifetimes are left out."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        at = match.end()
        if match.lastgroup == "block":
            at = end_of_block_comment(text, at)
        elif match["word"] or match["sign"]:
            found.append(match[0].removeprefix("r#"))
        elif match["string"] or match["raw"] or match["char"] or match["number"]:
            found.append('""')
    return found


def end_of_block_comment(text, at):
    depth = 1
    while depth and at < len(text):
        if text.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif text.startswith("*/", at):
            depth, at = depth - 1, at + 2
        else:
            at += 1
    return at


def closing(words, at):
    """Where the bracket that opens at `at` is closed."""
    depth = 0
    while at < len(words):
        depth += (words[at] in OPEN) - (words[at] in CLOSE)
        if depth == 0:
            return at
        at += 1
    return at


def end_of_item(words, at):
    """Behind the item that begins at `at`: behind its semicolon or its braces."""
    while at < len(words) and words[at] != ";":
        if words[at] in OPEN:
            end = closing(words, at)
            if words[at] == "{" and not (end + 1 < len(words) and words[end + 1] == ";"):
                return end + 1
            at = end
        at += 1
    return at + 1


class Module:
    """A file, or a module that is written out inside one."""

    def __init__(self, crate, path, parent, file):
        self.crate, self.path, self.parent, self.file = crate, path, parent, file
        self.children, self.items = {}, set()
        self.globs = []  # paths of `use path::*`
        self.uses = {}  # name -> path
        self.handed_on = set()  # names of `pub use`
        self.paths = []  # what the code names with `::`
        self.words = set()  # what it names without


class Crate:
    """The modules of one crate, from its `lib.rs` or `main.rs`."""

    def __init__(self, name, source):
        self.name, self.source = name, source
        self.files = {}  # file -> lines
        entry = next(file for file in (source / "lib.rs", source / "main.rs") if file.exists())
        self.root = Module(self, "", None, entry)
        self.read_file(self.root, entry, source)
        self.folders = {file.parent for file in self.files} - {source}

    def read_file(self, module, file, folder):
        text = file.read_text()
        self.files[file] = text.count("\n")
        self.read(module, tokens(text), folder)

    def room(self, file):
        """What the file is called here: `upstream/pool`."""
        return str(file.relative_to(self.source).with_suffix(""))

    def child(self, module, name, words, at, folder):
        """Reads `mod name;` or `mod name { ... }`; tells where it ends."""
        child = Module(self, f"{module.path}::{name}", module, module.file)
        module.children[name] = child
        if words[at] == "{":
            end = closing(words, at)
            self.read(child, words[at + 1 : end], folder / name)
            return end + 1
        file = folder / f"{name}.rs"
        if file.exists():
            child.file = file
            self.read_file(child, file, folder / name)
        return at + 1

    def read(self, module, words, folder):
        at, depth, public = 0, 0, False
        while at < len(words):
            word = words[at]
            following = words[at + 1] if at + 1 < len(words) else ""
            if word == "#" and following in ("[", "!"):
                start = at + 1 + (following == "!")
                end = closing(words, start)
                attribute = words[start + 1 : end]
                at = end + 1
                if attribute[:4] == ["cfg", "(", "test", ")"]:
                    while words[at] == "#":
                        at = closing(words, at + 1) + 1
                    at = end_of_item(words, at)
                continue
            if word == "pub":
                public = True
                at = closing(words, at + 1) + 1 if following == "(" else at + 1
                continue
            # `use<'a>` says what a returned type captures.
            if word == "use" and following != "<":
                end = words.index(";", at)
                self.use(module, words[at + 1 : end], [], public)
                at, public = end + 1, False
                continue
            if depth == 0 and word == "mod":
                at, public = self.child(module, following, words, at + 2, folder), False
                continue
            if depth == 0 and word in DEFINES and following.isidentifier():
                module.items.add(following)
            if depth == 0 and word == "macro_rules" and following == "!":
                module.items.add(words[at + 2])
            depth += (word in OPEN) - (word in CLOSE)
            public = False
            at = self.path(module, words, at)

    def path(self, module, words, at):
        """Keeps the path that begins at `at`, if one does; tells where it ends."""
        before = words[at - 1] if at else ""
        if not words[at].isidentifier() or words[at] in NO_PATH or before in (".", "::"):
            return at + 1
        path = [words[at]]
        at += 1
        while at + 1 < len(words) and words[at] == "::" and words[at + 1].isidentifier():
            path.append(words[at + 1])
            at += 2
        if len(path) > 1:
            module.paths.append(path)
        else:
            module.words.add(path[0])
        return at

    def use(self, module, words, prefix, public):
        """Keeps what a use tree brings in."""
        path, at = list(prefix), 0
        while at < len(words):
            if words[at] == "{":
                start = at + 1
                end = closing(words, at)
                for part in split(words[start:end]):
                    self.use(module, part, path, public)
                return
            if words[at] == "*":
                module.globs.append(path)
                if not public:
                    module.paths.append([*path, "*"])
                return
            if words[at] == "as":
                self.bind(module, words[at + 1], path, public)
                return
            if words[at] != "::":
                path.append(words[at])
            at += 1
        if path[-1] == "self" and len(path) > 1:
            path.pop()
        self.bind(module, path[-1], path, public)

    def bind(self, module, name, path, public):
        if name == "_":
            name = "_ " + "::".join(path)
        module.uses[name] = path
        if public:
            module.handed_on.add(name)


def split(words):
    """The parts of a use tree's braces."""
    parts, depth = [[]], 0
    for word in words:
        depth += (word in OPEN) - (word in CLOSE)
        if word == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def resolve(module, path, seen=frozenset()):
    """The module that defines what `path` names inside `module`, and the name; none if it is of another crate."""
    if (module, tuple(path)) in seen:
        return None
    seen |= {(module, tuple(path))}
    first, rest = path[0], path[1:]
    if first == "crate":
        here = module.crate.root
    elif first == "self":
        here = module
    elif first == "super":
        here = module.parent
    else:
        here, rest = module, path
    while here is not None:
        if not rest:
            return here, None
        name = rest[0]
        if name == "*":
            return here, name
        if name == "super":
            here, rest = here.parent, rest[1:]
        elif name in here.children:
            here, rest = here.children[name], rest[1:]
        elif name in here.items:
            return here, name
        elif name in here.uses:
            if here.uses[name][0] == name:
                return None  # `use metrics::metrics`: another crate's
            return resolve(here, here.uses[name] + rest[1:], seen)
        else:
            found = (resolve(here, glob + rest, seen) for glob in here.globs)
            return next((one for one in found if one and one[1]), None)
    return None


def modules(module):
    yield module
    for child in module.children.values():
        yield from modules(child)


def dependencies(crate):
    """file -> {file: names}: who names what is defined where."""
    graph = {file: {} for file in crate.files}
    for module in modules(crate.root):
        paths = list(module.paths)
        for name, path in module.uses.items():
            if name not in module.handed_on or name in module.words:
                paths.append(path)
        for path in paths:
            found = resolve(module, path)
            if found and found[1] and found[0].file != module.file:
                graph[module.file].setdefault(found[0].file, set()).add(found[1])
    return graph


def circles(graph):
    """The strongly connected components of more than one node (Tarjan's algorithm, without recursion)."""
    order, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in graph:
        if start in order:
            continue
        work = [(start, iter(graph[start]))]
        order[start] = low[start] = len(order)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    at = stack.index(node)
                    if len(stack) - at > 1:
                        found.append(set(stack[at:]))
                    on_stack -= set(stack[at:])
                    del stack[at:]
    return found


class Tie(NamedTuple):
    """`file` takes `names` from `target`; the rooms that the two are in."""

    file: Path
    target: Path
    names: set
    rooms: set


def place(crate, file):
    """Where a file stands: the folders from the crate's root down, then the file; a folder's own file is called `.`."""
    stem = file.with_suffix("")
    steps = list(stem.relative_to(crate.source).parts)
    return steps + ["."] if stem in crate.folders else steps


def circles_across_folders(crate, graph):
    """Circles of rooms that stand beside each other in one folder, where a room is a file or a folder with all that is in
    it, and at least one is a folder: (folder, {rooms}, [ties])."""
    levels = {}
    for file, targets in graph.items():
        for target, names in targets.items():
            from_, to = place(crate, file), place(crate, target)
            shared = len(os.path.commonprefix([from_, to]))
            level = levels.setdefault("/".join(from_[:shared]), {})
            tie = Tie(file, target, names, {from_[shared], to[shared]})
            level.setdefault(from_[shared], {}).setdefault(to[shared], []).append(tie)
            level.setdefault(to[shared], {})
    for folder, level in sorted(levels.items()):
        for circle in circles(level):
            if any(room != "." and crate.source / folder / room in crate.folders for room in circle):
                ties = [tie for room in circle for to in level[room] if to in circle for tie in level[room][to]]
                yield folder, circle, ties


def allowed():
    """What `.ci/circles.toml` lists: (crate, folder) -> [{rooms}]."""
    entries = {}
    for entry in tomllib.loads(ALLOWED.read_text()).get("circle", []):
        if not entry["reason"].strip():
            sys.exit(f"{ALLOWED}: a circle of {entry['crate']} is listed without a reason")
        entries.setdefault((entry["crate"], entry["folder"]), []).append(set(entry["rooms"]))
    return entries


def faults(found, entries):
    """What is not on the list, and what is on it without need: the list can only get shorter."""
    for key, here in found.items():
        for circle, ties in here:
            listed = max(entries.get(key, [set()]), key=lambda rooms: len(rooms & circle))
            if new := circle - listed:
                new_ties = [tie for tie in ties if tie.rooms & new]
                yield f"{key[0]}: a circle across folders in {key[1] or 'src'}, of {', '.join(sorted(circle))}", new_ties
    for key, listed in entries.items():
        for rooms in listed:
            used = set().union(*(circle & rooms for circle, _ in found.get(key, [])))
            if used != rooms:
                yield f"{key[0]}: {', '.join(sorted(rooms - used))} in {key[1] or 'src'}: no circle; take it off the list", []


def workspace(root):
    """The crates, by name without the common prefix."""
    for manifest in [root / "Cargo.toml", *sorted(root.glob("crates/*/Cargo.toml"))]:
        name = tomllib.loads(manifest.read_text())["package"]["name"]
        yield Crate(name.removeprefix("backstay-"), manifest.parent / "src")


def show(crate, ties, limit=None):
    """Prints who names what; no more than `limit` lines of it."""
    lines = sorted(f"    {crate.room(tie[0])} -> {crate.room(tie[1])}: {', '.join(sorted(tie[2]))}" for tie in ties)
    print("\n".join(lines[:limit]))
    if lines[limit or len(lines) :]:
        print(f"    ... and {len(lines) - limit} more: .ci/circles.py {crate.name}")


def main(asked):
    crates = {crate.name: crate for crate in workspace(ROOT)}
    if unknown := [name for name in asked if name not in crates]:
        sys.exit(f"no such crate: {', '.join(unknown)}; there are {', '.join(crates)}")
    found = {}
    print(f"{'crate':<14} {'lines':>6} {'modules':>8} {'circles':>8} {'largest':>8} {'across folders':>15}")
    for name, crate in crates.items():
        graph = dependencies(crate)
        across = list(circles_across_folders(crate, graph))
        for folder, circle, ties in across:
            found.setdefault((name, folder), []).append((circle, ties))
        inside = circles(graph)
        largest = max(map(len, inside), default=0)
        print(f"{name:<14} {sum(crate.files.values()):>6} {len(crate.files):>8} {len(inside):>8} {largest:>8} {len(across):>15}")
        if name in asked:
            for circle in inside:
                print(f"  a circle of {len(circle)} modules")
                show(crate, [(a, b, names) for a in circle for b, names in graph[a].items() if b in circle])
            for folder, circle, ties in across:
                print(f"  across folders, in {folder or 'src'}: {', '.join(sorted(circle))}")
                show(crate, ties)
    wrong = list(faults(found, allowed()))
    for text, ties in wrong:
        print(f"\n{text}")
        if ties:
            show(crates[text.split(":")[0]], ties, 20)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
