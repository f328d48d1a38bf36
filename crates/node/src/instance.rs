//! Instances: one guest, used from the JavaScript thread and from the pool, never at once.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use aingle_wasm_host::{
    Caller, ErrorCode, ExportHandle, ExternType, GlobalHandle, HostError, InstanceState,
    InstanceStats, Lane, Monitor, Phase, Pool, StopReason, ValueType, WasmEngine, WasmInstance,
};

use crate::error::Failure;
use crate::host_function::HostLink;
use crate::js::{Js, Local};
use crate::runtime::{Queue, Runtime};

/// What the collector is told that an instance weighs, in bytes. Its memory is address space for the most part, but some
/// tens of thousands of instances use that up: the collector has to come before.
const WEIGHT: i64 = 64 * 1024;

/// An instance as JavaScript holds it, known to its runtime by a number while it does.
pub(crate) struct Handle {
    pub(crate) instance: Rc<Instance>,
    pub(crate) number: u32,
}

/// An instance in one JavaScript environment.
pub(crate) struct Instance {
    pub(crate) runtime: Rc<Runtime>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    pub(crate) lane: Lane,
    module: aingle_wasm_host::Module,
    /// By the number that JavaScript knows.
    exports: RefCell<Vec<Export>>,
}

/// An exported function.
#[derive(Clone)]
pub(crate) struct Export {
    pub(crate) handle: ExportHandle,
    pub(crate) params: Rc<[ValueType]>,
}

/// What JavaScript and the jobs of an instance share.
pub(crate) struct Shared {
    guest: Mutex<WasmInstance>,
    pub(crate) link: Arc<HostLink>,
    monitor: Monitor,
    closing: AtomicBool,
}

/// The use of a guest by one call or access. At its end the guest is closed if that was asked for meanwhile.
pub(crate) struct Use<'a> {
    guest: Option<MutexGuard<'a, WasmInstance>>,
    shared: &'a Shared,
    /// Whether this is a thread of the pool.
    pooled: bool,
}

impl Handle {
    /// Gives an instance to JavaScript.
    pub(crate) fn give(js: Js, instance: Instance) -> Result<Local, Failure> {
        let instance = Rc::new(instance);
        let number = instance.runtime.instances.borrow_mut().add(&instance);
        js.external(Self { instance, number })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut instances = self.instance.runtime.instances.borrow_mut();
        instances.remove(self.number);
    }
}

/// The instances that JavaScript holds, by number: the shortest way from a call to its instance.
#[derive(Default)]
pub(crate) struct Instances {
    by_number: Vec<Option<Rc<Instance>>>,
    free: Vec<u32>,
}

impl Instances {
    fn add(&mut self, instance: &Rc<Instance>) -> u32 {
        let instance = Some(Rc::clone(instance));
        match self.free.pop() {
            Some(number) => {
                self.by_number[number as usize] = instance;
                number
            }
            None => {
                self.by_number.push(instance);
                self.by_number.len() as u32 - 1
            }
        }
    }

    fn remove(&mut self, number: u32) {
        self.by_number[number as usize] = None;
        self.free.push(number);
    }

    pub(crate) fn get(&self, number: u32) -> Result<Rc<Instance>, Failure> {
        let instance = self.by_number.get(number as usize).cloned().flatten();
        instance.ok_or(Failure::Argument("the number of an instance"))
    }
}

impl Instance {
    pub(crate) fn new(
        js: Js,
        runtime: &Rc<Runtime>,
        engine: &WasmEngine,
        guest: WasmInstance,
        link: Arc<HostLink>,
    ) -> Self {
        js.adjust_external_memory(WEIGHT);
        Self {
            runtime: Rc::clone(runtime),
            pool: engine.pool().clone(),
            lane: engine.pool().lane(),
            module: guest.module().clone(),
            exports: RefCell::default(),
            shared: Arc::new(Shared {
                monitor: guest.monitor(),
                guest: Mutex::new(guest),
                link,
                closing: AtomicBool::new(false),
            }),
        }
    }

    /// Finds an exported function and gives it a number.
    pub(crate) fn number_export(&self, name: &str) -> Result<u32, Failure> {
        let handle = self.module.export_handle(name)?;
        let declared = self
            .module
            .info()
            .exports
            .iter()
            .find(|export| export.name == name);
        let params = match declared.map(|export| &export.ty) {
            Some(ExternType::Function(ty)) => ty.params.as_slice().into(),
            _ => return Err(Failure::Internal("a function without a type".to_owned())),
        };
        let mut exports = self.exports.borrow_mut();
        exports.push(Export { handle, params });
        Ok(exports.len() as u32 - 1)
    }

    /// How the core knows the exported function of a number.
    pub(crate) fn handle(&self, number: u32) -> Result<ExportHandle, Failure> {
        let exports = self.exports.borrow();
        let export = exports.get(number as usize);
        export
            .map(|export| export.handle)
            .ok_or(Failure::Argument("a handle"))
    }

    /// The exported function of a number.
    pub(crate) fn export(&self, number: u32) -> Result<Export, Failure> {
        self.exports
            .borrow()
            .get(number as usize)
            .cloned()
            .ok_or(Failure::Argument("a handle"))
    }

    /// The global of a number: the imported ones first, then the exported ones.
    pub(crate) fn global(&self, number: u32) -> Result<GlobalHandle, Failure> {
        self.module
            .global_handle(number)
            .ok_or(Failure::Argument("the number of a global"))
    }

    /// What the instance is doing, as this thread sees it: waiting in a host function only inside of that function.
    pub(crate) fn state(&self) -> InstanceState {
        let shared = &self.shared;
        if shared.closing.load(Ordering::Relaxed) {
            InstanceState::Closed
        } else if shared.link.is_waiting() {
            InstanceState::Host
        } else {
            match shared.monitor.state() {
                InstanceState::Host => InstanceState::Running,
                state => state,
            }
        }
    }

    /// What the instance did.
    pub(crate) fn stats(&self) -> InstanceStats {
        self.shared.monitor.stats()
    }

    /// Fuel of the last finished call.
    pub(crate) fn fuel_used(&self) -> u64 {
        self.shared.monitor.fuel_used()
    }

    /// Accesses the guest's memory: through the host function that it waits in, or while it is at rest.
    pub(crate) fn access<R>(
        &self,
        js: Js,
        waiting: impl FnOnce(&mut Caller<'_>) -> Result<R, HostError>,
        resting: impl FnOnce(&mut WasmInstance) -> Result<R, HostError>,
    ) -> Result<R, Failure> {
        self.shared.check_open()?;
        match self.shared.link.with_caller(js, waiting) {
            Some(result) => Ok(result?),
            None => Ok(resting(self.shared.try_use()?.guest())?),
        }
    }

    /// Where the instance's jobs wait, for up to `limit` milliseconds.
    pub(crate) fn queue(&self, limit: Option<u64>) -> Queue<'_> {
        Queue {
            pool: &self.pool,
            lane: &self.lane,
            limit,
            phase: Phase::Call,
        }
    }

    /// Closes the guest: at once, or when the call that runs has been stopped. Those that wait are stopped as well.
    pub(crate) fn close(&self) {
        if !self.shared.closing.swap(true, Ordering::Relaxed) {
            self.drop_weight();
        }
        fence(Ordering::SeqCst);
        self.lane.stop_waiting(StopReason::InstanceClosed);
        self.shared.monitor.close();
        self.shared.close_if_asked();
    }

    /// Tells the collector that there is no more to win here.
    fn drop_weight(&self) {
        // SAFETY: instances are used and dropped on the JavaScript thread, and the adjustment makes no handle.
        if let Some(js) = unsafe { self.runtime.dispatcher.js() } {
            js.adjust_external_memory(-WEIGHT);
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // What still runs waits in a step that nobody can answer any more.
        self.close();
    }
}

impl Shared {
    /// Takes the guest for a call that may not wait.
    ///
    /// # Errors
    /// - `ERR_INSTANCE_CLOSED`, `ERR_INSTANCE_BUSY`.
    pub(crate) fn try_use(&self) -> Result<Use<'_>, Failure> {
        self.check_open()?;
        match self.guest.try_lock() {
            Ok(guest) => Ok(Use {
                guest: Some(guest),
                shared: self,
                pooled: false,
            }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::Refused(ErrorCode::InstanceBusy, Phase::Call))
            }
            Err(TryLockError::Poisoned(_)) => Err(broken()),
        }
    }

    /// Takes the guest on a thread of the pool. Only a synchronous call, made on the JavaScript thread after this one was
    /// queued, can be using it.
    ///
    /// # Errors
    /// - `ERR_INSTANCE_CLOSED`.
    pub(crate) fn wait_to_use(&self) -> Result<Use<'_>, Failure> {
        let guest = self.guest.lock().map_err(|_| broken())?;
        let taken = Use {
            guest: Some(guest),
            shared: self,
            pooled: true,
        };
        self.check_open()?;
        Ok(taken)
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.closing.load(Ordering::Relaxed) {
            return Err(Failure::Refused(ErrorCode::InstanceClosed, Phase::Call));
        }
        Ok(())
    }

    fn close_if_asked(&self) {
        if self.closing.load(Ordering::Relaxed)
            && let Ok(mut guest) = self.guest.try_lock()
        {
            guest.close();
        }
    }
}

impl Use<'_> {
    pub(crate) fn guest(&mut self) -> &mut WasmInstance {
        self.guest.as_mut().expect("held until the drop")
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.guest = None;
        if self.pooled {
            // Of two threads that release the guest and ask for its end at the same time, one has to see the other.
            fence(Ordering::SeqCst);
        }
        self.shared.close_if_asked();
    }
}

/// A panic of ours ended an earlier use; the core catches its own.
#[cold]
fn broken() -> Failure {
    Failure::Internal("an earlier call of this instance panicked".to_owned())
}
