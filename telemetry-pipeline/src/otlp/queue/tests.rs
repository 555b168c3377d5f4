use super::*;

mod model;

fn bounds() -> Batching {
    Batching {
        queue: usize::MAX,
        batch: 4,
        bytes: 1 << 30,
        delay: Duration::from_secs(1),
    }
}

fn queue_of<T>(bounds: Batching) -> (Queue<T>, Intake<T>, Arc<Losses>) {
    let losses = Arc::new(Losses::new("spans"));
    let (queue, intake) = queue(bounds, losses.clone());
    (queue, intake, losses)
}

#[test]
fn items_that_come_long_after_the_end_are_reported_once() {
    let (queue, intake, _) = queue_of::<u8>(bounds());
    let state = queue.state.clone();
    let late = Instant::now() + ENDING + Duration::from_secs(1);
    assert!(!state.is_late(late));
    drop(intake);
    assert!(!state.is_late(Instant::now()));
    let late = late + Duration::from_secs(1);
    assert!(state.is_late(late) && !state.is_late(late));
}

#[test]
fn a_huge_item_is_a_batch_of_its_own() {
    let (queue, mut intake, _) = queue_of(bounds());
    for (item, size) in [(1, 10), (2, 10), (3, REQUEST_BYTES * 3), (4, 10), (5, 10)] {
        queue.push(Box::new(item), size, SystemTime::now());
    }
    let batches: Vec<_> = (0..4).map(|_| intake.take()).collect();
    assert_eq!(batches, [vec![1, 2], vec![3], vec![4, 5], vec![]]);
    assert!(intake.is_empty());
}

#[test]
fn without_a_bound_of_items_the_capacity_follows_from_the_size_of_those_that_wait() {
    let (queue, mut intake, losses) = queue_of(Batching {
        bytes: 1024 * 1024,
        ..bounds()
    });
    let fill = queue.fill();
    assert_eq!(fill.capacity(), 1024);
    for item in 0..500 {
        queue.push(Box::new(item), 4096, SystemTime::now());
    }
    assert_eq!((fill.length(), fill.capacity()), (256, 256));
    assert_eq!(losses.count_lost(Reason::QueueBytes), 244);
    while !intake.take().is_empty() {}
    assert_eq!((fill.length(), fill.capacity()), (0, 1024));
    let (counted, _intake, _) = queue_of::<u8>(Batching {
        queue: 50,
        ..bounds()
    });
    assert_eq!(counted.fill().capacity(), 50);
}
