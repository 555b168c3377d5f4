"""rings.py on small crates: every form of a path that Rust has, and each thing that is no arrow."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rings  # noqa: E402


class Rings(unittest.TestCase):
    def crate(self, **files):
        """Writes the files (`a__b` stands for a/b.rs, `a__mod` for a/mod.rs) and returns the arrows as pairs of names."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in files.items():
            path = os.path.join(folder.name, name.replace("__", "/") + ".rs")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.root = os.path.join(folder.name, "lib.rs")

        def short(path):
            return os.path.relpath(path, folder.name)[:-3]

        return {(short(a), short(b)) for a, found in rings.graph(self.root).items() for b in found}

    def test_a_declaration_is_no_arrow(self):
        self.assertEqual(self.crate(lib="mod a; pub mod b;", a="", b=""), set())

    def test_uses_of_every_form(self):
        arrows = self.crate(
            lib="mod a; mod b; mod c; mod d; mod e;",
            a="pub struct A; pub trait T {}",
            b="use crate::a::A;",
            c="use super::a::{self, T as _};",
            d="use crate::{a::{A as Other}, c};",
            e="fn f() -> crate::a::A { crate::a::A }",
        )
        self.assertEqual(arrows, {("b", "a"), ("c", "a"), ("d", "a"), ("e", "a")})

    def test_a_module_that_is_imported_counts_by_what_is_taken_from_it(self):
        arrows = self.crate(lib="mod a; mod b; mod c;", a="pub use crate::c::run;", b="use crate::a; fn f() { a::run() }",
                            c="pub fn run() {}")
        self.assertEqual(arrows, {("b", "c")})

    def test_a_re_export_is_followed_to_the_definition(self):
        arrows = self.crate(lib="mod a; mod b; pub use a::A;", a="pub struct A;", b="use crate::A; use super::A as B;")
        self.assertEqual(arrows, {("b", "a")})

    def test_a_chain_of_re_exports_with_new_names(self):
        arrows = self.crate(lib="mod a; mod b; mod c; pub use b::Second as Third;", a="pub struct First;",
                            b="pub(crate) use super::a::First as Second;", c="fn f(_: crate::Third) {}")
        self.assertEqual(arrows, {("c", "a")})

    def test_a_re_export_that_the_file_uses_itself_is_an_arrow(self):
        self.assertEqual(self.crate(lib="mod a; pub use a::A; fn f(_: A) {}", a="pub struct A;"), {("lib", "a")})
        self.assertEqual(self.crate(lib="mod a; pub use a::A; fn f(x: X) { x.A() }", a="pub struct A;"), set())

    def test_re_exports_by_glob(self):
        arrows = self.crate(lib="mod a; mod b; pub use a::*;", a="pub struct A;", b="use crate::A;")
        self.assertEqual(arrows, {("b", "a")})

    def test_a_glob_counts_by_the_names_that_are_used(self):
        files = {"lib": "mod a; mod b;", "a": "pub struct A;"}
        self.assertEqual(self.crate(**files, b="use super::a::*; fn f(_: A) {}"), {("b", "a")})
        self.assertEqual(self.crate(**files, b="use super::a::*; fn f() {}"), set())

    def test_folders_in_both_styles(self):
        arrows = self.crate(lib="mod a; mod b;", a="mod x; pub struct A;", a__x="use super::A; use super::super::b::y::Y;",
                            b__mod="pub mod y;", b__y="pub struct Y; fn f() { self::g() } fn g() {}")
        self.assertEqual(arrows, {("a/x", "a"), ("a/x", "b/y")})

    def test_an_inline_module_belongs_to_its_file(self):
        arrows = self.crate(lib="mod a; mod b;", a="pub mod inner { pub struct I; mod deep { use super::I; } }",
                            b="use crate::a::inner::I; mod deep { use super::super::a; }")
        self.assertEqual(arrows, {("b", "a")})

    def test_an_associated_item_leads_to_the_file_of_its_type(self):
        arrows = self.crate(lib="mod a; mod b; mod c;", a="use crate::c::C; pub struct A; impl A { pub fn new(_: C) {} }",
                            b="use crate::a::A; fn f() { A::new() }", c="pub struct C;")
        self.assertEqual(arrows, {("a", "c"), ("b", "a")})

    def test_other_crates_comments_and_strings_are_no_arrows(self):
        arrows = self.crate(
            lib="mod a; mod b;", a="",
            b='''use std::a::B; use ::a::C; use other::a::{D, E};
                 // use crate::a::F;
                 /* use crate::a::G; /* use crate::a::H; */ use crate::a::I; */
                 /// [`crate::a::J`]
                 const X: &str = "crate::a::K \\" crate::a::L"; const Y: &str = r#"" crate::a::M"#; const Z: char = '"';
                 fn f<'a>(_: &'a str) {}''')
        self.assertEqual(arrows, set())

    def test_what_stands_after_a_char_or_a_lifetime_is_read(self):
        arrows = self.crate(lib="mod a; mod b;", a="pub fn f() {}",
                            b="fn g<'a>(x: &'a u8) -> char { crate::a::f(); '\\'' } fn h() -> u8 { b'\"' }")
        self.assertEqual(arrows, {("b", "a")})

    def test_tests_are_left_out(self):
        arrows = self.crate(
            lib="mod a; mod b; #[cfg(test)] mod tests;", a="pub struct A; pub fn f() {}",
            b='''#[cfg(test)] use crate::a::{A};
                 #[cfg(test)] mod tests { use crate::a::f; }
                 #[test] fn t() { crate::a::f() }
                 #[cfg(all(test, unix))] fn u() { crate::a::f() }''')
        self.assertEqual(arrows, set())

    def test_only_the_item_under_the_attribute_is_left_out(self):
        arrows = self.crate(lib="mod a; mod b;", a="pub struct A; pub fn f() {}",
                            b="#[cfg(test)] use crate::a::{f}; use crate::a::A; #[cfg(not(test))] fn g() {}")
        self.assertEqual(arrows, {("b", "a")})

    def test_paths_in_macros(self):
        arrows = self.crate(lib="mod a; mod b; mod c;", a="pub fn f() {}",
                            b="macro_rules! call { () => { $crate::a::f() } }",
                            c="fn g() { println!(\"{}\", crate::a::f()) }")
        self.assertEqual(arrows, {("b", "a"), ("c", "a")})

    def test_an_exported_macro_leads_to_its_file(self):
        arrows = self.crate(lib="mod a; mod b;", a="#[macro_export] macro_rules! m { () => {} }", b="fn f() { crate::m!() }")
        self.assertEqual(arrows, {("b", "a")})

    def test_raw_names(self):
        self.assertEqual(self.crate(lib="mod a; mod b;", a="pub fn r#type() {}", b="use crate::a::r#type;"), {("b", "a")})

    def test_re_exports_in_a_circle_end(self):
        self.assertEqual(self.crate(lib="mod a; mod b;", a="pub use crate::b::X; pub use crate::b::*;",
                                    b="pub use crate::a::X; pub use crate::a::*; fn f(_: X) {}"), set())

    def test_a_ring_of_three_is_found_and_a_pair_is_not(self):
        self.crate(lib="mod a; mod b; mod c;", a="use crate::b::B; pub struct A;", b="use crate::c::C; pub struct B;",
                   c="use crate::a::A; pub struct C;")
        (files, inside), = rings.rings(self.root)
        self.assertEqual([os.path.basename(file) for file in files], ["a.rs", "b.rs", "c.rs"])
        self.assertEqual([name for _, _, name in inside], ["crate::b::B", "crate::c::C", "crate::a::A"])
        self.crate(lib="mod a; mod b; mod c;", a="use crate::b::B; pub struct A;", b="use crate::a::A; pub struct B;",
                   c="use crate::a::A;")
        self.assertEqual(rings.rings(self.root), [])


if __name__ == "__main__":
    unittest.main()
