//! The pool: bounded, in order for each lane, fair between lanes, closed without losing a job.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use aingle_wasm_host::{EngineConfig, ErrorCode, Lane, Place, Pool, StopReason, Turn, WasmEngine};
use proptest::collection::vec;
use proptest::prelude::*;

/// Occupies one thread of the pool until the returned sender is dropped.
fn block(pool: &Pool) -> std::sync::mpsc::Sender<()> {
    let (sender, receiver) = channel::<()>();
    let (started, running) = channel();
    let job = move |_| {
        started.send(()).unwrap();
        let _ = receiver.recv();
    };
    pool.submit(&pool.lane(), job).unwrap();
    running.recv().unwrap();
    sender
}

#[test]
fn jobs_of_a_lane_run_in_order_and_never_together() {
    let pool = Pool::new(4, 1_000);
    let lanes: Vec<_> = (0..3).map(|_| pool.lane()).collect();
    let (sender, receiver) = channel();
    let running: Vec<_> = (0..3).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    for n in 0..100 {
        for (lane, busy) in lanes.iter().zip(&running) {
            let (sender, busy) = (sender.clone(), Arc::clone(busy));
            let id = lanes
                .iter()
                .position(|other| std::ptr::eq(other, lane))
                .unwrap();
            let job = move |turn| {
                assert_eq!(
                    busy.fetch_add(1, Ordering::SeqCst),
                    0,
                    "two jobs of a lane at once"
                );
                std::thread::yield_now();
                busy.fetch_sub(1, Ordering::SeqCst);
                sender.send((id, n, turn)).unwrap();
            };
            pool.submit(lane, job).unwrap();
        }
    }
    drop(sender);
    let mut next = [0; 3];
    for (id, n, turn) in receiver {
        assert_eq!((n, turn), (next[id], Turn::Run));
        next[id] += 1;
    }
    assert_eq!(next, [100; 3]);
}

#[test]
fn lanes_take_turns() {
    let pool = Pool::new(1, 1_000);
    let blocker = block(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let lanes: Vec<_> = (0..3).map(|_| pool.lane()).collect();
    let (done, finished) = channel::<()>();
    // A crowd in the first lane does not keep the others waiting for more than one job.
    for (id, count) in [(0, 50), (1, 2), (2, 2)] {
        for _ in 0..count {
            let (order, done) = (Arc::clone(&order), done.clone());
            let job = move |_| {
                order.lock().unwrap().push(id);
                drop(done);
            };
            pool.submit(&lanes[id], job).unwrap();
        }
    }
    drop((blocker, done));
    assert!(finished.recv().is_err());
    assert_eq!(order.lock().unwrap()[..6], [0, 1, 2, 0, 1, 2]);
}

#[test]
fn the_queue_is_bounded() {
    let pool = Pool::new(1, 3);
    let blocker = block(&pool);
    let lane = pool.lane();
    for _ in 0..3 {
        pool.submit(&lane, |_| ()).unwrap();
    }
    assert_eq!(pool.waiting(), 3);
    let full = pool.submit(&pool.lane(), |_| ()).unwrap_err();
    assert_eq!(
        (full.code(), full.retryable()),
        (ErrorCode::QueueFull, true)
    );
    drop(blocker);
    let (sender, receiver) = channel();
    // There is room again as soon as the thread goes on.
    while pool
        .submit(&lane, {
            let sender = sender.clone();
            move |_| sender.send(()).unwrap()
        })
        .is_err()
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    receiver.recv().unwrap();
}

#[test]
fn a_pool_without_a_queue_takes_what_can_begin_at_once() {
    let pool = Pool::new(2, 0);
    let lane = pool.lane();
    let first = block(&pool);
    let (go, gate) = channel::<()>();
    let (started, running) = channel();
    let job = move |_| {
        started.send(()).unwrap();
        let _ = gate.recv();
    };
    pool.submit(&lane, job).unwrap();
    running.recv().unwrap();
    assert_eq!(
        pool.submit(&pool.lane(), |_| ()).unwrap_err().code(),
        ErrorCode::QueueFull
    );
    drop(first);
    // A thread is free, but not for a lane that has a job running.
    while pool.submit(&pool.lane(), |_| ()).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        pool.submit(&lane, |_| ()).unwrap_err().code(),
        ErrorCode::QueueFull
    );
    drop(go);
}

#[test]
fn as_many_jobs_run_at_once_as_there_are_threads() {
    let pool = Pool::new(3, 100);
    let blockers: Vec<_> = (0..3).map(|_| block(&pool)).collect();
    let (sender, receiver) = channel();
    pool.submit(&pool.lane(), move |_| sender.send(()).unwrap())
        .unwrap();
    assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
    drop(blockers);
    receiver.recv().unwrap();
}

#[test]
fn a_job_that_waits_lends_its_place() {
    let pool = Pool::new(1, 100);
    assert!(pool.place().is_none());
    let (go, queued) = channel::<()>();
    let (answer, answered) = channel::<()>();
    let (done, ended) = channel();
    let own = pool.clone();
    let job = move |_| {
        queued.recv().unwrap();
        let parked = own.place().unwrap().park();
        assert!(parked.is_some());
        // Answered by a job that waits for the only place.
        let got = answered.recv_timeout(Duration::from_secs(60));
        drop(parked);
        done.send(got).unwrap();
    };
    pool.submit(&pool.lane(), job).unwrap();
    pool.submit(&pool.lane(), move |_| answer.send(()).unwrap())
        .unwrap();
    go.send(()).unwrap();
    ended.recv().unwrap().unwrap();
}

/// Threads of pools that this process has.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| {
        // A thread may end meanwhile.
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    });
    let numbered = |name: &String| {
        let number = name.strip_prefix("aingle-wasm-");
        number.is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    names.filter(numbered).count()
}

#[cfg(target_os = "linux")]
#[test]
fn jobs_that_take_long_make_room_for_others_if_no_number_of_threads_was_given() {
    let alone = "AINGLE_WASM_TEST_ALONE";
    if std::env::var_os(alone).is_none() {
        // Threads are counted, and other tests of this process have some.
        let own = "jobs_that_take_long_make_room_for_others_if_no_number_of_threads_was_given";
        let mut test = std::process::Command::new(std::env::current_exe().unwrap());
        let status = test.args(["--exact", own]).env(alone, "1").status();
        return assert!(status.unwrap().success());
    }
    let cores = thread::available_parallelism().unwrap().get();
    let engine = WasmEngine::new(EngineConfig::default()).unwrap();
    let pool = engine.pool();
    let (over, begun) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let run_long = || {
        let (over, begun) = (Arc::clone(&over), Arc::clone(&begun));
        let job = move |turn| {
            begun.fetch_add(1, Ordering::SeqCst);
            while turn == Turn::Run && !over.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        };
        pool.submit(&pool.lane(), job).unwrap();
    };
    let (sender, receiver) = channel();
    (0..2 * cores).for_each(|_| run_long());
    for n in 0..3 {
        let sender = sender.clone();
        pool.submit(&pool.lane(), move |_| sender.send(n).unwrap())
            .unwrap();
    }
    // They come behind all of those, of which none ends.
    for _ in 0..3 {
        receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    // Not without bounds.
    (0..100).for_each(|_| run_long());
    let mut before = 0;
    while begun.load(Ordering::SeqCst) != before {
        before = begun.load(Ordering::SeqCst);
        thread::sleep(Duration::from_secs(1));
    }
    assert!(before > 2 * cores, "{before} jobs run at once");
    let most = cores + (2 * cores).max(16);
    assert!(before <= most, "{before} jobs run at once");
    assert!(threads() <= most, "{} threads", threads());
    // As they end, the pool becomes as small again as it was.
    over.store(true, Ordering::SeqCst);
    while pool.waiting() > 0 || threads() > cores {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(begun.load(Ordering::SeqCst), 2 * cores + 100);
}

/// What a job of the next test does.
#[derive(Clone, Copy, Debug)]
enum Work {
    Nothing,
    /// Keeps a processor for so many milliseconds.
    Spin(u64),
    /// Lends its place for so many.
    Wait(u64),
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![
        6 => Just(Work::Nothing),
        2 => (1..60_u64).prop_map(Work::Spin),
        2 => (0..5_u64).prop_map(Work::Wait),
    ]
}

fn all_end(pool: &Pool, jobs: &[(usize, Work)]) {
    let lanes: Vec<_> = (0..8).map(|_| pool.lane()).collect();
    let (sender, receiver) = channel();
    for &(lane, work) in jobs {
        let (own, sender) = (pool.clone(), sender.clone());
        let job = move |_| {
            match work {
                Work::Nothing => {}
                Work::Spin(ms) => {
                    let begun = Instant::now();
                    while begun.elapsed() < Duration::from_millis(ms) {
                        hint::spin_loop();
                    }
                }
                Work::Wait(ms) => {
                    let parked = own.place().and_then(Place::park);
                    thread::sleep(Duration::from_millis(ms));
                    drop(parked);
                }
            }
            let _ = sender.send(());
        };
        pool.submit(&lanes[lane], job).unwrap();
    }
    for left in (1..=jobs.len()).rev() {
        let ended = receiver.recv_timeout(Duration::from_secs(60));
        assert!(ended.is_ok(), "{left} jobs do not end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn jobs_of_all_kinds_end(jobs in vec((0..8_usize, work()), 1..100), threads in 0..4_usize) {
        match threads {
            0 => all_end(WasmEngine::new(EngineConfig::default()).unwrap().pool(), &jobs),
            threads => all_end(&Pool::new(threads, 1_000), &jobs),
        }
    }
}

#[test]
fn what_waits_behind_a_long_job_runs_when_that_ends() {
    let engine = WasmEngine::new(EngineConfig::default()).unwrap();
    let (pool, lane) = (engine.pool(), engine.pool().lane());
    let over = Arc::new(AtomicBool::new(false));
    let run_long = |lane: &Lane| {
        let over = Arc::clone(&over);
        let job = move |turn| {
            while turn == Turn::Run && !over.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        };
        pool.submit(lane, job).unwrap();
    };
    run_long(&lane);
    let cores = thread::available_parallelism().unwrap().get();
    (0..cores).for_each(|_| run_long(&pool.lane()));
    // Comes when the long ones make room; its thread has nothing to do afterwards.
    let (sender, receiver) = channel();
    let short = sender.clone();
    pool.submit(&pool.lane(), move |_| short.send(()).unwrap())
        .unwrap();
    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    // Until the watchdog has looked again, at all of them.
    thread::sleep(Duration::from_millis(200));
    pool.submit(&lane, move |_| sender.send(()).unwrap())
        .unwrap();
    over.store(true, Ordering::Relaxed);
    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn all_threads_that_sleep_are_woken_for_jobs_that_come_together() {
    let pool = Pool::new(3, 10);
    let lanes: Vec<Lane> = (0..3).map(|_| pool.lane()).collect();
    for _ in 0..300 {
        let (done, ended) = channel();
        let all = Arc::new(Barrier::new(lanes.len()));
        for lane in &lanes {
            let (done, all) = (done.clone(), Arc::clone(&all));
            pool.submit(lane, move |_| {
                // Passed only if all of them run at the same time.
                all.wait();
                let _ = done.send(());
            })
            .unwrap();
        }
        for _ in &lanes {
            ended.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        // Some rounds begin while threads are about to sleep, some when they do.
        thread::yield_now();
    }
    pool.close();
}

#[test]
fn a_panicking_job_takes_nothing_with_it() {
    let pool = Pool::new(1, 100);
    let lane = pool.lane();
    for _ in 0..20 {
        pool.submit(&lane, |_| panic!("a bug of the job")).unwrap();
    }
    let (sender, receiver) = channel();
    pool.submit(&lane, move |_| {
        sender
            .send(std::thread::current().name().map(str::to_owned))
            .unwrap()
    })
    .unwrap();
    assert_eq!(receiver.recv().unwrap().as_deref(), Some("aingle-wasm-0"));
}

#[test]
fn closing_cancels_what_waits_and_waits_for_what_runs() {
    let pool = Pool::new(1, 100);
    let (sender, receiver) = channel();
    let (go, gate) = sync_channel::<()>(0);
    let (busy, idle) = (pool.lane(), pool.lane());
    let first = sender.clone();
    let (started, running) = channel();
    let job = move |turn| {
        started.send(()).unwrap();
        gate.recv().unwrap();
        first.send(("first", turn)).unwrap();
    };
    pool.submit(&busy, job).unwrap();
    running.recv().unwrap();
    for (lane, name) in [(&busy, "behind"), (&idle, "other")] {
        let sender = sender.clone();
        pool.submit(lane, move |turn| sender.send((name, turn)).unwrap())
            .unwrap();
    }
    let closer = std::thread::spawn({
        let pool = pool.clone();
        move || pool.close()
    });
    assert_eq!(
        receiver.recv().unwrap(),
        ("other", Turn::Stopped(StopReason::EngineClosed))
    );
    assert!(!closer.is_finished());
    go.send(()).unwrap();
    closer.join().unwrap();
    assert_eq!(receiver.recv().unwrap(), ("first", Turn::Run));
    assert_eq!(
        receiver.recv().unwrap(),
        ("behind", Turn::Stopped(StopReason::EngineClosed))
    );
    assert_eq!(pool.waiting(), 0);
    assert_eq!(
        pool.submit(&idle, |_| ()).unwrap_err().code(),
        ErrorCode::EngineClosed
    );
}

#[test]
fn a_job_may_close_its_own_pool() {
    let pool = Pool::new(2, 100);
    let (sender, receiver) = channel();
    let own = pool.clone();
    let job = move |_| {
        own.close();
        sender.send(()).unwrap();
    };
    pool.submit(&pool.lane(), job).unwrap();
    receiver.recv_timeout(Duration::from_secs(10)).unwrap();
}
