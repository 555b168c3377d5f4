use std::{
    io::{BufRead, BufReader, PipeReader, Read, pipe},
    sync::mpsc,
};

use super::*;

fn numbered(number: usize) -> String {
    format!("{number:0>100}\n")
}

fn start() -> (Stdout, PipeReader, mpsc::Receiver<u64>) {
    let (reader, writer) = pipe().unwrap();
    let (sender, reports) = mpsc::channel();
    let stdout = Stdout::start(writer, move |lost| {
        let _ = sender.send(lost);
    });
    (stdout.unwrap(), reader, reports)
}

fn read(reader: PipeReader, lines: usize) -> Vec<String> {
    let lines = BufReader::new(reader).lines().take(lines);
    lines.map(Result::unwrap).collect()
}

#[test]
fn a_line_is_out_when_the_call_returns() {
    let (stdout, mut reader, _) = start();
    for _ in 0..100 {
        stdout.write("line\n");
        let mut line = [0; 5];
        reader.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"line\n");
        assert!(stdout.0.lock().queue.is_empty());
    }
}

#[test]
fn a_reader_that_stops_keeps_nobody_waiting_and_every_line_is_read_or_counted() {
    let (stdout, reader, reports) = start();
    let count = 2 * MAX_WAITING as usize / numbered(0).len();
    let mut slowest = Duration::ZERO;
    for number in 0..count {
        let started = Instant::now();
        stdout.write(&numbered(number));
        slowest = slowest.max(started.elapsed());
    }
    // A machine under load may pause a thread, but the reader never comes.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(
        !stdout.flush(Duration::from_millis(10)),
        "it cannot be written"
    );
    let lost = stdout.losses().total().unwrap().queue_bytes;
    assert!(lost > 0 && lost < count as u64, "{lost}");
    assert!(stdout.0.lock().waiting() <= MAX_WAITING);

    let kept = count - usize::try_from(lost).unwrap();
    let lines = read(reader.try_clone().unwrap(), kept);
    assert_eq!(lines.len(), kept);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(
            format!("{line}\n"),
            numbered(number),
            "in order, with no gap"
        );
    }
    assert_eq!(reports.recv(), Ok(lost));
    assert!(stdout.flush(Duration::from_secs(10)));
    stdout.write("after\n");
    assert_eq!(read(reader, 1), ["after"]);
    assert_eq!(stdout.losses().total().unwrap().queue_bytes, lost);
    assert!(reports.try_recv().is_err(), "reported once");
}

#[test]
fn a_reader_that_is_gone_costs_lines_and_nothing_else() {
    let (stdout, reader, reports) = start();
    drop(reader);
    for number in 0..1000 {
        stdout.write(&numbered(number));
    }
    // More than is written at once, by the thread.
    stdout.write(&numbered(7).repeat(1000));
    assert!(stdout.flush(Duration::from_secs(10)));
    let loss = stdout.losses().total().unwrap();
    assert_eq!((loss.export_failed, loss.queue_bytes), (2000, 0));
    assert!(loss.reason.unwrap().contains("standard output: "));
    assert!(reports.try_recv().is_err());
}

#[test]
fn a_reader_that_goes_away_amidst_the_queue_is_accounted_for() {
    let (stdout, mut reader, _) = start();
    let count = MAX_WAITING as usize / 2 / numbered(0).len();
    for number in 0..count {
        stdout.write(&numbered(number));
    }
    let mut some = vec![0; 1000 * numbered(0).len()];
    reader.read_exact(&mut some).unwrap();
    drop(reader);
    assert!(stdout.flush(Duration::from_secs(10)));
    let lost = stdout.losses().total().unwrap().export_failed;
    // Lines that were still in the pipe count as written: nothing tells that nobody read them.
    assert!(lost > 0 && lost <= (count - 1000) as u64, "{lost}");
}

#[test]
fn lines_of_many_threads_stay_whole() {
    let (stdout, reader, _) = start();
    let reading = thread::spawn(move || read(reader, 4 * 2000));
    thread::scope(|scope| {
        for thread in 0..4 {
            let stdout = &stdout;
            scope.spawn(move || {
                for number in 0..2000 {
                    // Some longer than what a pipe takes at once.
                    let length = if number % 100 == 0 { 10_000 } else { 50 };
                    stdout.write(&format!("{thread} {number:0>length$}\n"));
                }
            });
        }
    });
    let mut last = [None; 4];
    for line in reading.join().unwrap() {
        let (thread, number) = line.split_once(' ').unwrap();
        let (thread, number): (usize, u32) = (thread.parse().unwrap(), number.parse().unwrap());
        assert!(last[thread] < Some(number), "{thread} {number}");
        last[thread] = Some(number);
    }
    assert_eq!(last, [Some(1999); 4]);
    assert_eq!(stdout.losses().total(), None);
}

#[test]
fn what_waits_is_written_after_the_handle_is_gone() {
    let (stdout, reader, _) = start();
    let count = 1000;
    for number in 0..count {
        stdout.write(&numbered(number));
    }
    drop(stdout);
    let lines = BufReader::new(reader).lines();
    assert_eq!(lines.count(), count);
}

#[test]
fn a_flush_does_not_wait_for_what_comes_after_it() {
    let (stdout, mut reader, _) = start();
    // More than a pipe holds, both before and after.
    let count = 2000;
    (0..count).for_each(|number| stdout.write(&numbered(number)));
    thread::scope(|scope| {
        let flush = scope.spawn(|| stdout.flush(Duration::from_secs(10)));
        while stdout.0.lock().flushing == 0 {
            thread::yield_now();
        }
        (0..count).for_each(|number| stdout.write(&numbered(number)));
        let mut before = vec![0; count * numbered(0).len()];
        reader.read_exact(&mut before).unwrap();
        assert!(flush.join().unwrap());
        assert!(stdout.0.lock().waiting() > 0);
    });
}
