//! The errors of the compiler for wrong uses of the macro, and uses that compile.

#[test]
fn every_wrong_use_has_a_message_that_names_the_remedy() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn every_way_to_import_the_crate_compiles() {
    trybuild::TestCases::new().pass("tests/accepted/*.rs");
}
