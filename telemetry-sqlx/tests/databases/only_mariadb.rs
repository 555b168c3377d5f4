//! How MariaDB is told from MySQL.

use telemetry_sqlx::MySqlPool;

use super::{SERVER, db};

#[tokio::test]
async fn the_server_is_asked_what_it_is_when_the_pool_connects() {
    let Some(url) = SERVER.url() else { return };
    let pool = MySqlPool::connect(&url).await.unwrap();
    assert_eq!(pool.facts().system, "mariadb");
}

#[tokio::test]
async fn a_wrapped_pool_is_told_what_it_is() {
    let Some(pool) = db::pool(1).await else {
        return;
    };
    let pool = MySqlPool::from(pool);
    assert_eq!(pool.facts().system, "mysql");
    assert_eq!(pool.with_system_name("mariadb").facts().system, "mariadb");
}
