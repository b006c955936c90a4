//! Every statement of the program is one that both engines understand.

use super::source::{collect, texts};
use super::{options, stores};
use std::path::Path;

#[test]
fn literals_are_found_in_the_source() {
    let source = r####"
        let a = sql!("select 1");  w.execute(crate::sql!(
            "select \"x\", \
             'y'",
            r#" from "t" "#,
        ), params![]) // sql!(text) is no call
    "####;
    assert_eq!(texts(source), ["select 1", "select \"x\", 'y' from \"t\" "]);
}

#[tokio::test]
async fn every_statement_is_understood_by_the_engine() {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    for store in stores(options()).await {
        let errors = store.db.prepare_all(&found).unwrap();
        let told: Vec<String> = errors.iter().map(|(text, error)| format!("{error}\n    {text}")).collect();
        assert!(told.is_empty(), "{:?} refuses:\n{}", store.db.engine(), told.join("\n"));
        store.close().await;
    }
}
