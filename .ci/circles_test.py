"""What `circles.py` must see, and what it must not take for a circle."""

import tempfile
import unittest
from pathlib import Path

import circles


def crate(**files):
    """A crate of these files, by their paths below `src` with `__` for `/`."""
    with tempfile.TemporaryDirectory() as source:
        for name, text in files.items():
            file = Path(source) / (name.replace("__", "/") + ".rs")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return circles.Crate("a-crate", Path(source))


def across(crate):
    return [(folder, circle) for folder, circle, _ in circles.circles_across_folders(crate, circles.dependencies(crate))]


class Circles(unittest.TestCase):
    two_folders = {"lib": "mod pool; mod server;", "server": "mod shard; pub(crate) use shard::Shared;"}

    def test_a_circle_behind_re_exports_is_seen(self):
        found = across(
            crate(
                **self.two_folders,
                pool="mod lease; pub(crate) use lease::Lease;",
                pool__lease="use crate::server::Shared; pub(crate) struct Lease(Shared);",
                server__shard="pub(crate) struct Shared; fn take(_: crate::pool::Lease) {}",
            )
        )
        self.assertEqual(found, [("", {"pool", "server"})])

    def test_a_path_through_an_imported_module_counts(self):
        found = across(
            crate(
                **self.two_folders,
                pool="mod lease; pub(crate) use lease::*;",
                pool__lease="use crate::server; pub(crate) struct Lease(server::Shared);",
                server__shard="use crate::{pool::{self}}; pub(crate) struct Shared; fn f() { pool::Lease::new() }",
            )
        )
        self.assertEqual(found, [("", {"pool", "server"})])

    def test_folders_that_take_from_each_other_are_a_circle_even_if_no_files_are(self):
        house = crate(
            **self.two_folders,
            pool="pub(crate) mod lease; pub(crate) mod size;",
            pool__lease="use crate::server::Shared; struct Lease(Shared);",
            pool__size="pub(crate) struct Size;",
            server__shard="pub(crate) struct Shared(crate::pool::size::Size);",
        )
        self.assertEqual(circles.circles(circles.dependencies(house)), [])
        self.assertEqual(across(house), [("", {"pool", "server"})])

    def test_tests_comments_and_texts_tie_nothing(self):
        found = across(
            crate(
                **self.two_folders,
                pool="""
                    mod lease; pub(crate) use lease::Lease;
                    #[cfg(test)] mod tests;
                    #[cfg(test)] mod more { use crate::server::Shared; }
                """,
                pool__tests="use crate::server::Shared;",
                pool__lease="""
                    //! As crate::server::Shared. /* crate::server::Shared */
                    pub(crate) struct Lease<'a>(&'a str);
                    fn f() -> (&'static str, char) { (r#"crate::server::Shared"#, '"') }
                    #[cfg(test)] use crate::server::Shared;
                """,
                server__shard="pub(crate) struct Shared; fn take(_: crate::pool::Lease) {}",
            )
        )
        self.assertEqual(found, [])

    def test_a_folder_may_hand_on_what_stands_in_it(self):
        self.assertEqual(
            across(
                crate(
                    lib="mod pool; pub use pool::Lease;",
                    pool="mod lease; pub use lease::Lease; pub(crate) struct Size;",
                    pool__lease="use super::Size; pub struct Lease(Size);",
                )
            ),
            [],
        )

    def test_what_is_not_listed_and_what_is_listed_without_need_are_faults(self):
        found = {("proxy", ""): [({"pool", "server"}, [])]}
        listed = {("proxy", ""): [{"pool", "server", "config"}], ("kube", ""): [{"api", "view"}]}
        self.assertEqual(list(circles.faults(found, {("proxy", ""): [{"pool", "server"}]})), [])
        self.assertEqual(len(list(circles.faults(found, {}))), 1)
        without_need = [text for text, _ in circles.faults(found, listed)]
        self.assertEqual(
            without_need,
            ["proxy: config in src: no circle; take it off the list", "kube: api, view in src: no circle; take it off the list"],
        )


if __name__ == "__main__":
    unittest.main()
