//! The counters under a model checker: every order in which threads can meet, on the same source.

use std::collections::VecDeque;

use loom::{
    sync::{Arc, Mutex},
    thread,
};

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}
#[path = "../admission.rs"]
#[allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the same source on other atomics; the model needs no capacity"
)]
mod admission;

use admission::{Admission, Bounds, Refused};

/// A queue of numbers: the counters as they are, a plain list for the channel, and a flag for the wake-up.
struct Model {
    admission: Admission,
    items: Mutex<VecDeque<u64>>,
    wakes: Mutex<u32>,
}

impl Model {
    fn new(items: u64, bytes: usize, batch: u64) -> Arc<Self> {
        Arc::new(Self {
            admission: Admission::new(Bounds {
                items,
                bytes,
                batch,
            }),
            items: Mutex::new(VecDeque::new()),
            wakes: Mutex::new(0),
        })
    }

    fn push(&self, item: u64) -> Result<(), Refused> {
        let waiting = self.admission.admit(1)?;
        self.items.lock().unwrap().push_back(item);
        if self.admission.fills_batch(waiting) {
            *self.wakes.lock().unwrap() += 1;
        }
        Ok(())
    }

    fn take(&self) -> Option<u64> {
        let item = self.items.lock().unwrap().pop_front();
        if item.is_some() {
            self.admission.took(1, 1);
        }
        item
    }
}

/// Runs every order of the threads in which each is interrupted in favour of another at most so often as usual faults need.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

#[test]
fn an_item_that_was_accepted_is_exported_though_the_queue_closes() {
    check(|| {
        let queue = Model::new(10, 10, 10);
        let pushing: Vec<_> = (0..2)
            .map(|item| {
                let queue = queue.clone();
                thread::spawn(move || u64::from(queue.push(item).is_ok()))
            })
            .collect();
        queue.admission.close();
        let mut taken = 0;
        while queue.admission.waiting() > 0 {
            match queue.take() {
                Some(_) => taken += 1,
                None => thread::yield_now(),
            }
        }
        let accepted: u64 = pushing.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!(taken, accepted);
        assert_eq!(queue.take(), None);
        assert_eq!(queue.push(9), Err(Refused::Closed));
        assert_eq!(queue.admission.pushed(), accepted);
    });
}

#[test]
fn no_bound_is_exceeded_and_each_item_is_accepted_or_refused() {
    for (items, bytes, refused) in [(1, 10, Refused::Items), (10, 1, Refused::Bytes)] {
        check(move || {
            let queue = Model::new(items, bytes, 10);
            let pushing: Vec<_> = (0..2)
                .map(|item| {
                    let queue = queue.clone();
                    thread::spawn(move || queue.push(item))
                })
                .collect();
            let results: Vec<_> = pushing.into_iter().map(|one| one.join().unwrap()).collect();
            assert!(results.contains(&Err(refused)), "{results:?}");
            let accepted = results.iter().filter(|result| result.is_ok()).count();
            assert!(accepted <= 1);
            assert_eq!(queue.admission.waiting(), accepted as u64);
            assert_eq!(queue.admission.bytes(), accepted);
        });
    }
}

#[test]
fn the_push_that_fills_a_batch_wakes_the_exporter() {
    check(|| {
        let queue = Model::new(10, 10, 2);
        let pushing: Vec<_> = (0..2)
            .map(|item| {
                let queue = queue.clone();
                thread::spawn(move || queue.push(item).unwrap())
            })
            .collect();
        let has_batch = queue.admission.has_batch_or_wakes();
        for one in pushing {
            one.join().unwrap();
        }
        let wakes = *queue.wakes.lock().unwrap();
        assert!(
            has_batch || wakes > 0,
            "the exporter sleeps on a full batch"
        );
        assert!(wakes <= 1);
    });
}
