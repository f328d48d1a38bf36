//! Compilations with a deadline. The compiler cannot be stopped: one that is late is given up, and ends in the background.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use aingle_wasm_host::{
    CompileOptions, ErrorCode, HostError, Module, Parked, Phase, Place, StopReason, Stoppable,
    Turn, WasmEngine,
};

use crate::dispatcher::{Dispatcher, Message};
use crate::error::Failure;
use crate::settle::{Delivery, Outcome};

/// Compilations of the process that were given up and have not ended. With this many, further ones are waited for.
static GIVEN_UP: AtomicU32 = AtomicU32::new(0);
const MAX_GIVEN_UP: u32 = 2;
/// How often a late compilation looks whether it may be given up.
const AGAIN: Duration = Duration::from_millis(50);

/// What is to be compiled, and how.
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    /// Through the cache, under this label.
    pub(crate) label: Option<Vec<u8>>,
    pub(crate) options: CompileOptions,
    /// Milliseconds.
    pub(crate) limit: u64,
}

impl Source {
    fn compile(&self, engine: &WasmEngine) -> Result<Module, HostError> {
        match &self.label {
            Some(label) => engine.compile_cached_with(label, &self.bytes, self.options),
            None => engine.compile_with(&self.bytes, self.options),
        }
    }
}

/// A compilation of the pool.
struct Compilation {
    engine: WasmEngine,
    dispatcher: Arc<Dispatcher>,
    promise: u32,
    stage: Mutex<Stage>,
}

enum Stage {
    /// It waits for its turn, or has ended.
    AtRest,
    /// It runs, in this place of the pool.
    Running(Option<Place>),
    /// It was given up: its thread does not count in the pool.
    GivenUp(Option<Parked>),
}

/// Compiles on a thread of the engine's pool and settles the promise with what `deliver` makes of the module.
pub(crate) fn submit(
    engine: &WasmEngine,
    dispatcher: &Arc<Dispatcher>,
    promise: u32,
    source: Source,
    deliver: impl FnOnce(Module) -> Delivery + Send + 'static,
) -> Result<(), HostError> {
    let compilation = Arc::new(Compilation {
        engine: engine.clone(),
        dispatcher: Arc::clone(dispatcher),
        promise,
        stage: Mutex::new(Stage::AtRest),
    });
    let pool = engine.pool();
    let limit = Some(source.limit);
    pool.submit_within(&pool.lane(), limit, move |turn, ticket| match turn {
        Turn::Stopped(reason) => compilation.settle(Err(stopped(reason))),
        Turn::Run => {
            let place = compilation.engine.pool().place();
            compilation.enter(Stage::Running(place));
            ticket.running(Arc::clone(&compilation) as Arc<dyn Stoppable>);
            let compiled = source.compile(&compilation.engine);
            match compilation.enter(Stage::AtRest) {
                // Its promise is settled.
                Stage::GivenUp(parked) => {
                    GIVEN_UP.fetch_sub(1, Ordering::SeqCst);
                    drop(parked);
                }
                _ => compilation.settle(compiled.map(deliver).map_err(Failure::from)),
            }
        }
    })?;
    Ok(())
}

impl Compilation {
    fn settle(&self, outcome: Outcome) {
        self.dispatcher.post(Message::Settle(self.promise, outcome));
    }

    /// Answers the former stage.
    fn enter(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.lock_stage(), stage)
    }

    fn lock_stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stoppable for Compilation {
    /// Gives the compilation up, unless too many were.
    fn stop(&self, reason: StopReason) -> bool {
        let mut stage = self.lock_stage();
        let Stage::Running(place) = &mut *stage else {
            return true;
        };
        if !may_give_up() {
            return false;
        }
        *stage = Stage::GivenUp(place.take().and_then(Place::park));
        drop(stage);
        self.settle(Err(stopped(reason)));
        true
    }
}

fn may_give_up() -> bool {
    let below = |count: u32| (count < MAX_GIVEN_UP).then_some(count + 1);
    GIVEN_UP
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, below)
        .is_ok()
}

#[cold]
fn stopped(reason: StopReason) -> Failure {
    match reason {
        StopReason::Timeout(_) => Failure::Refused(ErrorCode::CompileTimeout, Phase::Compile),
        reason => Failure::from(reason.into_error(Phase::Compile)),
    }
}

/// Compiles on a thread of its own while this one waits, up to the deadline.
pub(crate) fn compile_now(engine: &WasmEngine, source: Source) -> Result<Module, Failure> {
    let limit = Duration::from_millis(source.limit);
    let (sender, receiver) = channel();
    let own = engine.clone();
    let spawned = thread::Builder::new()
        .name("aingle-wasm-compile".to_owned())
        .spawn(move || {
            // Nobody listens to one that was given up.
            if sender.send(source.compile(&own)).is_err() {
                GIVEN_UP.fetch_sub(1, Ordering::SeqCst);
            }
        });
    spawned.map_err(|_| Failure::Refused(ErrorCode::OutOfMemory, Phase::Compile))?;
    let mut wait = limit;
    loop {
        match receiver.recv_timeout(wait) {
            Ok(compiled) => return Ok(compiled?),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Internal("the compiler's thread ended".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) if may_give_up() => {
                // It may have ended at this very moment.
                if let Ok(compiled) = receiver.try_recv() {
                    GIVEN_UP.fetch_sub(1, Ordering::SeqCst);
                    return Ok(compiled?);
                }
                return Err(Failure::Refused(ErrorCode::CompileTimeout, Phase::Compile));
            }
            Err(RecvTimeoutError::Timeout) => wait = AGAIN,
        }
    }
}
