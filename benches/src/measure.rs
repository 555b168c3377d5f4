//! How a case is run: so many times under callgrind, counting allocations, against the clock, or once to see what it
//! records.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Instant,
};

use tokio::runtime::{Builder, Runtime};

/// Runs before anything is measured in process: caches are filled and routes known.
const WARM_UP: u32 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Only runs: callgrind measures, and start-up is cancelled by subtracting a shorter run.
    Run(u32),
    /// Prints allocations and allocated bytes per operation of this thread.
    Allocations(u32),
    /// Prints nanoseconds per operation.
    Time(u32),
    /// Prints what one operation records.
    Records,
}

impl Measure {
    pub fn parse(what: &str, count: u32) -> Option<Self> {
        Some(match what {
            "run" => Self::Run(count),
            "allocations" => Self::Allocations(count),
            "time" => Self::Time(count),
            "records" => Self::Records,
            _ => return None,
        })
    }

    pub fn drive(self, runtime: &Runtime, mut once: impl AsyncFnMut()) {
        let mut times = |count: u32| {
            runtime.block_on(async {
                for _ in 0..count {
                    once().await;
                }
            });
        };
        match self {
            Self::Run(count) => times(count),
            Self::Records => times(1),
            Self::Allocations(count) => {
                times(WARM_UP);
                ALLOCATED.set(Some((0, 0)));
                times(count);
                let (allocations, bytes) = ALLOCATED.take().unwrap_or_default();
                let each = |total: u64| total as f64 / f64::from(count);
                println!("{:.1} {:.0}", each(allocations), each(bytes));
            }
            Self::Time(count) => {
                times(WARM_UP);
                let start = Instant::now();
                times(count);
                println!(
                    "{:.0}",
                    start.elapsed().as_nanos() as f64 / f64::from(count)
                );
            }
        }
    }
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

thread_local! {
    static ALLOCATED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// The system's allocator; where nothing is counted, as under callgrind, it costs an allocation three instructions.
struct Counting;

fn count(bytes: usize) {
    if let Some((allocations, total)) = ALLOCATED.get() {
        ALLOCATED.set(Some((allocations + 1, total + bytes as u64)));
    }
}

// Safety: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
