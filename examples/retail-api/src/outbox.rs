//! The outbox: what is to be done after an order is written in the order's own transaction, and done later by
//! retail-worker. So an order is confirmed if and only if it is there, whatever crashes in between: once in the database,
//! and delivered at least once, because no transaction reaches a mail server.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::Sqlite;
use telemetry_core::{
    messaging::{Destination, MessageContext},
    step,
};
use telemetry_sqlx::{SqlitePool, Transaction};

/// A confirmation follows soon and belongs to its checkout, so it is part of the checkout's trace.
const CONFIRMATIONS: Destination = Destination::new("outbox", "order-confirmations")
    .continuing_traces()
    // Only retail-api can write to the table.
    .trusting_senders();

/// A job is done by whoever holds its lease, and free again when the lease ends without it being done.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL UNIQUE REFERENCES orders (id),
    context TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    leased_until_ms INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS confirmations (
    order_id INTEGER PRIMARY KEY REFERENCES orders (id)
);
";

/// Asks for the confirmation of an order, in the transaction that creates it.
pub(crate) async fn confirm_later(
    tx: &mut Transaction<'_, Sqlite>,
    order_id: i64,
) -> Result<(), sqlx::Error> {
    let send = |message: MessageContext| async move {
        sqlx::query("INSERT INTO outbox (order_id, context) VALUES (?, ?)")
            .bind(order_id)
            .bind(message.to_string())
            .execute(&mut *tx)
            .await
    };
    CONFIRMATIONS.send(send).await.map(drop)
}

/// Does the jobs of the outbox, one after the other. Several may run side by side.
#[derive(Debug)]
pub struct Worker {
    pool: SqlitePool,
    lease: Duration,
    delivery: Duration,
}

struct Job {
    id: i64,
    order_id: i64,
    context: MessageContext,
    attempt: i64,
}

impl Worker {
    /// A worker that has a job for itself for so long; delivering a confirmation takes the time given.
    pub fn new(pool: SqlitePool, lease: Duration, delivery: Duration) -> Self {
        Self {
            pool,
            lease,
            delivery,
        }
    }

    /// Does what there is to do, looking for more this often, until `stop` resolves. A job under way is finished.
    pub async fn run(&self, poll: Duration, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let pause = match self.next().await {
                Ok(true) => Duration::ZERO,
                Ok(false) | Err(_) => poll,
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Does the next job; false if there is none.
    ///
    /// # Errors
    ///
    /// When the database fails, which is logged. The job then stays to be done.
    pub async fn next(&self) -> Result<bool, sqlx::Error> {
        let taken = self.take().await;
        let Some(job) =
            taken.inspect_err(|error| tracing::error!(%error, "nobody can look for work"))?
        else {
            return Ok(false);
        };
        let confirm = async {
            // Here the line has the ids of the checkout.
            self.confirm(&job).await.inspect_err(|error| {
                let order_id = job.order_id;
                tracing::error!(%error, order_id, "not confirmed, tried again when the lease ends");
            })
        };
        CONFIRMATIONS.process(&job.context, confirm).await?;
        Ok(true)
    }

    /// Takes the oldest job that nobody has. On the pool itself: looking for work all day is no trace.
    async fn take(&self) -> Result<Option<Job>, sqlx::Error> {
        let now = millis(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        );
        let row: Option<(i64, i64, String, i64)> = sqlx::query_as(
            "UPDATE outbox SET leased_until_ms = ?1 + ?2, attempts = attempts + 1
             WHERE id = (SELECT id FROM outbox WHERE done = 0 AND leased_until_ms <= ?1 ORDER BY id LIMIT 1)
             RETURNING id, order_id, context, attempts",
        )
        .bind(now)
        .bind(millis(self.lease))
        .fetch_optional(self.pool.inner())
        .await?;
        Ok(row.map(|(id, order_id, context, attempt)| Job {
            id,
            order_id,
            context: MessageContext::parse(&context),
            attempt,
        }))
    }

    /// Delivers the confirmation, then records it and marks the job as done, both in one transaction.
    async fn confirm(&self, job: &Job) -> Result<(), sqlx::Error> {
        let (order_id, attempt) = (job.order_id, job.attempt);
        tracing::info!(order_id, attempt, "confirming order");
        // What takes time in a shop is the mail server.
        step("Deliver_Confirmation")
            .flow("checkout")
            .stage("confirmation")
            .run(tokio::time::sleep(self.delivery))
            .await;
        let mut tx = self.pool.begin().await?;
        let marked = sqlx::query("UPDATE outbox SET done = 1 WHERE id = ? AND done = 0")
            .bind(job.id)
            .execute(&mut tx)
            .await?;
        if marked.rows_affected() == 0 {
            tracing::warn!(
                order_id,
                attempt,
                "confirmed by another worker after the lease ended"
            );
            return tx.rollback().await;
        }
        sqlx::query("INSERT INTO confirmations (order_id) VALUES (?)")
            .bind(order_id)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        tracing::info!(order_id, attempt, "order confirmed");
        Ok(())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
