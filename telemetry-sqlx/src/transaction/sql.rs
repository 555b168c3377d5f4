//! The statements that the drivers send for transactions. The drivers do not expose them, so they are repeated here.

use std::borrow::Cow;

/// `depth` is the number of transactions and savepoints that are open before this one.
pub(super) fn begin(depth: usize) -> Cow<'static, str> {
    match depth {
        0 => "BEGIN".into(),
        _ => format!("SAVEPOINT _sqlx_savepoint_{depth}").into(),
    }
}

/// `depth` is the number of open transactions and savepoints, this one included.
pub(super) fn commit(depth: usize) -> Cow<'static, str> {
    match depth {
        0 | 1 => "COMMIT".into(),
        _ => format!("RELEASE SAVEPOINT _sqlx_savepoint_{}", depth - 1).into(),
    }
}

/// `depth` is the number of open transactions and savepoints, this one included.
pub(super) fn rollback(depth: usize) -> Cow<'static, str> {
    match depth {
        0 | 1 => "ROLLBACK".into(),
        _ => format!("ROLLBACK TO SAVEPOINT _sqlx_savepoint_{}", depth - 1).into(),
    }
}
