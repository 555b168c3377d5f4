//! Waiting for something to be true, with an end to it.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Result, Unmet};

const PAUSE: Duration = Duration::from_millis(20);

/// Repeats the attempt until it succeeds, fails for good, or the limit is over: then what was missing last is why.
pub(crate) async fn poll<T>(
    limit: Duration,
    mut attempt: impl AsyncFnMut() -> std::result::Result<T, Unmet>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Unmet::Ever(failure)) => return Err(failure),
            Err(Unmet::Yet(missing)) if started.elapsed() >= limit => {
                let seconds = limit.as_secs();
                return Err(Failure::new(format!(
                    "{missing}, even after {seconds} seconds"
                )));
            }
            Err(Unmet::Yet(_)) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_attempt_is_repeated_until_it_succeeds() {
        let mut left = 3;
        let done = poll(Duration::from_secs(5), async || {
            left -= 1;
            if left > 0 {
                Err(Unmet::Yet("not yet".to_owned()))
            } else {
                Ok("done")
            }
        });
        assert_eq!(done.await.unwrap(), "done");
    }

    #[tokio::test]
    async fn the_last_thing_that_was_missing_is_the_reason() {
        let never = poll(Duration::ZERO, async || {
            Err::<(), _>(Unmet::Yet("no logs".to_owned()))
        });
        assert_eq!(
            never.await.unwrap_err().to_string(),
            "no logs, even after 0 seconds"
        );
    }

    #[tokio::test]
    async fn what_will_never_come_is_not_waited_for() {
        let dead = poll(Duration::from_secs(60), async || {
            Err::<(), _>(Unmet::Ever(Failure::new("it is dead")))
        });
        assert_eq!(dead.await.unwrap_err().to_string(), "it is dead");
    }
}
