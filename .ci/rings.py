"""The graph of files of a crate: an arrow goes from a file to the file that defines what it names.

Read from the source, by the rules of paths in Rust 2018 and later: `crate::`, `self::`, `super::`, child modules, nested
groups, renamed imports and globs. A `mod` declaration is no arrow. A re-export is followed to the definition; the file
that re-exports has an arrow only if it names the item elsewhere. What stands under `#[cfg(test)]` is left out.
"""

import os
import re

TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*)
  | (?P<block>/\*)
  | (?P<raw>(?:b|c)?r(?P<hashes>\#*)")
  | (?P<string>(?:b|c)?"(?:[^"\\]|\\.)*")
  | (?P<char>b?'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.))')
  | (?P<lifetime>'[A-Za-z_]\w*)
  | (?P<ident>(?:r\#)?[A-Za-z_]\w*)
  | (?P<path>::)
  | (?P<number>\d[\w]*(?:\.\d[\w]*)?)
  | (?P<other>.)
""", re.VERBOSE | re.DOTALL)

ITEMS = {"fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"}
OPEN, CLOSE = {"{": "}", "(": ")", "[": "]"}, {"}", ")", "]"}


def tokens(text):
    """The tokens of Rust source, without comments; a literal becomes one token that is no identifier."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        kind, at = match.lastgroup, match.end()
        if kind == "hashes" or match["raw"]:
            end = text.find('"' + match["hashes"], at)
            at = len(text) if end < 0 else end + 1 + len(match["hashes"])
            found.append('""')
        elif kind == "block":
            at = after_block_comment(text, at)
        elif kind in ("string", "char"):
            found.append('""')
        elif kind == "lifetime" or kind == "number":
            found.append("0")
        elif kind != "skip":
            found.append(match[0].removeprefix("r#"))
    return found


def after_block_comment(text, at):
    depth = 1
    while depth and at < len(text):
        if text.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif text.startswith("*/", at):
            depth, at = depth - 1, at + 2
        else:
            at += 1
    return at


def is_name(token):
    return token[0].isalpha() or token[0] == "_"


class Module:
    """A module: its file, its items, its imports, and the paths that its code names."""

    def __init__(self, path, file):
        self.path, self.file = path, file
        self.children, self.items = {}, set()
        self.imports = {}  # name -> (path, is it a re-export)
        self.globs = []
        self.unnamed = []  # imports as `_`
        self.paths = []  # paths of two segments and more, in code
        self.names = set()  # every name in code, outside of imports


class Crate:
    """The modules of one target, read from its root file."""

    def __init__(self, root):
        self.files = []
        self.modules = {}
        self.macros = {}  # name -> file; `#[macro_export]` puts the name at the root
        self.root = self.read((), root, os.path.dirname(root))

    def read(self, path, file, folder):
        module = Module(path, file)
        self.modules[path] = module
        self.files.append(file)
        with open(file, encoding="utf-8") as source:
            Reader(self, tokens(source.read())).module(module, folder)
        return module


class Reader:
    """Reads the tokens of one file."""

    def __init__(self, crate, found):
        self.crate, self.tokens, self.at = crate, found, 0

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def module(self, module, folder):
        """Reads to the end of the module: of the file, or to the brace that closes an inline module."""
        depth, attributes, public = 0, [], False
        while self.at < len(self.tokens):
            token = self.peek()
            if token == "#" and self.peek(1) in ("[", "!"):
                attributes.append(self.attribute())
                continue
            if attributes and any(is_test(attribute) for attribute in attributes):
                self.skip_item()
                attributes, public = [], False
                continue
            if token == "pub":
                self.at += 1
                if self.peek() == "(" and self.peek(1) in ("crate", "super", "self", "in"):
                    self.group()
                public = True
                continue
            if token == "use":
                self.at += 1
                self.use_tree(module, [], public)
            elif token == "mod" and is_name(self.peek(1) or "0") and self.peek(2) in (";", "{"):
                self.child(module, folder, attributes)
            elif token == "extern" and self.peek(1) == "crate":
                self.at += 2
            elif token in ITEMS and depth == 0 and self.item(module):
                pass
            elif is_name(token) or token == "::":
                self.path(module)
            else:
                if token in OPEN:
                    depth += 1
                elif token in CLOSE:
                    if depth == 0:
                        return
                    depth -= 1
                self.at += 1
            attributes, public = [], False

    def attribute(self):
        start = self.at
        self.at += 2 if self.peek(1) == "!" else 1
        self.group()
        return self.tokens[start:self.at]

    def group(self):
        depth = 0
        while self.at < len(self.tokens):
            token = self.peek()
            depth += (token in OPEN) - (token in CLOSE)
            self.at += 1
            if depth == 0:
                return

    def skip_item(self):
        """Past the item that follows: to its `;`, or past its braces."""
        in_use = False
        while self.at < len(self.tokens):
            token = self.peek()
            if token == "#" and self.peek(1) == "[":
                self.attribute()
            elif token == ";" or token == ",":
                self.at += 1
                return
            elif token in CLOSE:
                return
            elif token in OPEN:
                braces = token == "{"
                self.group()
                if braces and not in_use:
                    return
            else:
                in_use = in_use or token in ("use", "const", "static", "let")
                self.at += 1

    def item(self, module):
        """Notes the name of an item. A macro's name counts for paths like any other."""
        ahead = 2 if self.peek() == "macro_rules" and self.peek(1) == "!" else 1
        if self.peek() in ("const", "static") and self.peek(1) in ("fn", "unsafe", "async", "extern"):
            return False
        if self.peek() == "static" and self.peek(1) == "mut":
            ahead = 2
        name = self.peek(ahead)
        if not name or not is_name(name):
            return False
        module.items.add(name)
        if self.peek() == "macro_rules":
            self.crate.macros[name] = module.file
        self.at += ahead + 1
        return True

    def child(self, module, folder, attributes):
        name = self.peek(1)
        inline = self.peek(2) == "{"
        self.at += 3
        path = module.path + (name,)
        if inline:
            child = Module(path, module.file)
            self.crate.modules[path] = child
            self.module(child, os.path.join(folder, name))
            self.at += 1
        else:
            file, below = find_file(folder, name, module.file, attributes)
            if file is None:
                return
            child = self.crate.read(path, file, below)
        module.children[name] = child

    def use_tree(self, module, prefix, public):
        """Reads one tree of a `use`, and the mark behind it."""
        path = list(prefix)
        while True:
            token = self.peek()
            if token == "::":
                if not path:
                    path.append("::")
                self.at += 1
            elif token == "{":
                self.at += 1
                while self.peek() not in ("}", ""):
                    if self.peek() == ",":
                        self.at += 1
                        continue
                    self.use_tree(module, path, public)
                self.at += 1
                return
            elif token == "*":
                self.at += 1
                module.globs.append((path, public))
                return
            elif token == "as":
                bind(module, path, self.peek(1), public)
                self.at += 2
                return
            elif token and is_name(token):
                path.append(token)
                self.at += 1
            else:
                if path:
                    if path[-1] == "self":
                        path = path[:-1]
                    if path:
                        bind(module, path, path[-1], public)
                return

    def path(self, module):
        path, field = [], self.at > 0 and self.tokens[self.at - 1] == "."
        if self.peek() == "::":
            self.at += 1
            while self.peek() and (is_name(self.peek()) or self.peek() == "::"):
                self.at += 1
            return
        while self.peek() and is_name(self.peek()):
            path.append(self.peek())
            self.at += 1
            if self.peek() == "::" and self.peek(1) and is_name(self.peek(1)):
                self.at += 1
            else:
                break
        if not field:
            module.names.add(path[0])
        if len(path) > 1:
            module.paths.append(path)


def bind(module, path, name, public):
    if name == "_":
        module.unnamed.append(path)
    else:
        module.imports[name] = (path, public)


def is_test(attribute):
    inner = [token for token in attribute if token not in ("#", "[", "]", "(", ")")]
    if inner[:1] == ["test"] or inner[-1:] == ["test"] and "cfg" not in inner and "cfg_attr" not in inner:
        return True
    return inner[:2] == ["cfg", "test"] or inner[:3] == ["cfg", "all", "test"]


def find_file(folder, name, parent, attributes):
    for attribute in attributes:
        if attribute[2:3] == ["path"]:
            return None, None  # A path attribute: none of the crates has one outside of tests.
    for file in (os.path.join(folder, name + ".rs"), os.path.join(folder, name, "mod.rs")):
        if os.path.exists(file):
            return file, os.path.join(folder, name)
    raise FileNotFoundError(f"{parent}: no file for `mod {name};` in {folder}")


class Resolver:
    """Finds the file that defines the item of a path."""

    def __init__(self, crate):
        self.crate = crate

    def start(self, module, path):
        """The module in which a path begins, and the rest of it; nothing for a path into another crate."""
        first, rest = path[0], path[1:]
        if first == "crate":
            return self.crate.root, rest
        if first == "self":
            here = module
        elif first == "super":
            here = self.crate.modules.get(module.path[:-1])
        else:
            return None
        while rest and rest[0] == "super" and here is not None:
            here, rest = self.crate.modules.get(here.path[:-1]), rest[1:]
        return None if here is None else (here, rest)

    def file(self, module, path, seen=frozenset()):
        """The file of the item that `path` names in `module`, or nothing if it belongs to another crate."""
        begin = self.start(module, path)
        if begin is None:
            return self.relative(module, path, seen)
        return self.walk(begin[0], begin[1], seen)

    def relative(self, module, path, seen):
        first = path[0]
        if first in module.children or first in module.imports or any(True for _ in module.globs):
            return self.walk(module, path, seen, outside=True)
        return None

    def walk(self, here, rest, seen, outside=False):
        while rest:
            name = rest[0]
            if name in here.children:
                here, rest, outside = here.children[name], rest[1:], False
                continue
            if name in here.items:
                return here.file
            if name in here.imports:
                target = here.imports[name][0]
                key = (here.path, name)
                if key in seen or target[0] == "::":
                    return None
                return self.file(here, target + rest[1:], seen | {key})
            return self.through_globs(here, rest, seen, outside)
        return here.file

    def through_globs(self, here, rest, seen, outside):
        for path, _ in here.globs:
            key = (here.path, "*", tuple(path))
            if key in seen or not path or path[0] == "::":
                continue
            target = self.module_of(here, path, seen | {key})
            if target is not None and self.defines(target, rest[0], seen | {key}):
                return self.walk(target, rest, seen | {key})
        if here is self.crate.root and rest[0] in self.crate.macros:
            return self.crate.macros[rest[0]]
        # A name that a macro makes belongs to the module; another name at the begin of a path is another crate's.
        return None if outside else here.file

    def module_of(self, module, path, seen):
        """The module that a path names, if it is one of this crate."""
        begin = self.start(module, path)
        here, rest = begin if begin else (module, path)
        while rest:
            name = rest[0]
            if name in here.children:
                here, rest = here.children[name], rest[1:]
            elif name in here.imports and (here.path, name) not in seen:
                target = here.imports[name][0]
                if target[0] == "::":
                    return None
                seen = seen | {(here.path, name)}
                return self.module_of(here, target + rest[1:], seen)
            else:
                return None
        return here

    def defines(self, module, name, seen):
        if name in module.items or name in module.children or name in module.imports:
            return True
        for path, public in module.globs:
            key = (module.path, "*", tuple(path))
            if public and key not in seen and path and path[0] != "::":
                target = self.module_of(module, path, seen | {key})
                if target is not None and self.defines(target, name, seen | {key}):
                    return True
        return False


def graph(root):
    """file -> {file: a name that makes the arrow}, of the target whose root file this is."""
    crate = Crate(root)
    resolver = Resolver(crate)
    arrows = {file: {} for file in crate.files}
    for module in crate.modules.values():
        def arrow(path, module=module):
            file = resolver.file(module, path)
            if file is not None and file != module.file:
                arrows[module.file].setdefault(file, "::".join(path))

        for name, (path, public) in module.imports.items():
            leads_to_module = resolver.module_of(module, path, frozenset()) is not None
            used = name in module.names
            # A module is an arrow only by what is taken from it, which stands among the paths.
            if not leads_to_module and (used or not public):
                arrow(path)
        for path in module.unnamed:
            arrow(path)
        for path in module.paths:
            arrow(path)
        if module.globs:
            for name in module.names - module.items - set(module.imports):
                for path, _ in module.globs:
                    target = resolver.module_of(module, path, frozenset())
                    if target is not None and resolver.defines(target, name, frozenset()):
                        arrow(path + [name])
    return arrows


def components(arrows):
    """The strongly connected components, by Tarjan, without recursion."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for start in sorted(arrows):
        if start in index:
            continue
        work = [(start, iter(sorted(arrows[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, following = work[-1]
            for other in following:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(arrows[other]))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        other = stack.pop()
                        on_stack.discard(other)
                        component.append(other)
                        if other == node:
                            break
                    found.append(sorted(component))
    return found


def rings(root):
    """The rings of more than two files, each with the arrows inside it: [(files, [(from, to, name)])]."""
    arrows = graph(root)
    found = []
    for component in components(arrows):
        if len(component) > 2:
            inside = set(component)
            found.append((component, [(a, b, arrows[a][b]) for a in component for b in sorted(arrows[a]) if b in inside]))
    return sorted(found)
