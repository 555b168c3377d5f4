//! What the macro says when it is misused.

#[test]
fn every_misuse_has_a_message_that_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
